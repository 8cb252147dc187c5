import { type ServiceMsg, Svcm } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import { describeRetired, notYet, type PastOf, type Whereabouts } from "../answers/find-actor.ts";
import type { Inspections } from "../answers/inspection.ts";
import type { QuarantineControl } from "../answers/quarantine.ts";
import type { ActorPage, Queries } from "../answers/queries.ts";
import { isRefused, type Parameters, readListFilter } from "../answers/query-filters.ts";
import { BusyError, createQuestions, type Questions } from "../answers/questions.ts";
import { inOne, type Pieces, toJson } from "../flow/pieces.ts";
import { isReserved, QUERY_SERVICE, querySubject } from "../wire/names.ts";
import { createInspectLeases, type InspectLeases } from "./inspect-service.ts";

/** The micro service that answers questions over NATS. */
export interface QueryService {
  /** As `$SRV.PING` gives it; new with every start. */
  readonly id: string;
  stop(): Promise<void>;
}

export interface QueryServiceOptions {
  readonly nc: NatsConnection;
  readonly types: readonly ActorType[];
  readonly queries: Queries;
  /** Absent: nobody else asks. */
  readonly questions?: Questions;
  /** Absent: questions about quarantine are not answered. */
  readonly quarantine?: QuarantineControl;
  /** Absent: nobody can inspect. */
  readonly inspections?: Inspections;
  /** Not called before the service is returned. */
  readonly whereabouts: (type: ActorType, actorId: string) => Whereabouts;
  /** Absent: all answers are of now. */
  readonly pastOf?: PastOf;
  /** Our partitions of a type, undefined for all. Not called before the service is returned. */
  readonly ownedPartitions: (type: ActorType) => readonly number[] | undefined;
  /** Put into the service's metadata: daemons with the same value share their streams. */
  readonly cluster: string;
  /** In the metadata too, see `Member`. */
  readonly instance: string;
  /** Semantic. */
  readonly version: string;
  /** Told of questions that are answered with 500, and of a service that NATS has ended. */
  readonly onError?: (error: Error, subject: string) => void;
}

/** A question that gets no answer; the code is an HTTP status. */
interface Refusal {
  readonly status: 400 | 404 | 410 | 413 | 429 | 500 | 503;
  readonly code: "bad_request" | "not_found" | "retired" | "too_large" | "busy" | "internal" | "unavailable";
  readonly message: string;
}

/** Undefined: the answer is another daemon's to give. */
type Reply = { readonly found: object } | Refusal | undefined;
/** What is known at once is not waited for: whether the question is ours to answer, or to refuse. */
type Answering = Pieces<Reply> | Refusal | undefined;

const MAX_QUESTION_BYTES = 4096;
/** Of one answer about quarantine; far below the 1 MiB a NATS message may have. */
const QUARANTINE_PAGE = 500;

/**
 * Answers `natstate.<collection>.get.<id>`, `.history.<id>`, `.list` and `.stats` (docs/reference.md, "Queries"), and
 * `.quarantine.list`, `.quarantine.show.<id>` and `.quarantine.release.<id>`; and `.inspect.<id>`, see
 * `inspect-service.ts`.
 *
 * Every daemon hears every question. Those about one id are answered by the owner of its partition alone, the others
 * by each daemon for its own partitions; a `list` that goes on from a cursor, by the daemon that gave it.
 * A refusal has the headers `Nats-Service-Error-Code` and `Nats-Service-Error`, and the same as JSON in its body.
 *
 * @returns when NATS knows the subscriptions.
 */
export async function startQueryService(options: QueryServiceOptions): Promise<QueryService> {
  const { nc, types, queries, quarantine, inspections, whereabouts, ownedPartitions, cluster, instance } = options;
  const { version, pastOf = () => undefined, onError } = options;
  const door = (options.questions ?? createQuestions()).door();
  const service = await new Svcm(nc).add({
    name: QUERY_SERVICE,
    version,
    description: "Durable actors: their state, their history and the decisions they have taken.",
    metadata: { cluster, instance },
    // Without a queue group: who answers depends on the partition, which NATS does not know.
    queue: "",
  });
  const { id } = service.ping();
  const leases = inspections && createInspectLeases({ nc, inspections });
  let started = false;
  let stopping = false;
  void service.stopped.then((error) => {
    if (!stopping && error !== null) onError?.(error, `$SRV.PING.${QUERY_SERVICE}`);
  });

  for (const type of types) {
    addEndpointOfOne(type, "get", queries.get);
    addEndpointOfOne(type, "history", queries.history);
    addEndpoint(type, "list", (_, body) => list(type, body));
    addEndpoint(type, "stats", () => inOne(() => stats(type)));
    if (quarantine !== undefined) addQuarantine(type, quarantine);
    if (leases !== undefined) addInspect(type, leases);
  }
  await nc.flush();
  started = true;

  return {
    id,
    async stop() {
      stopping = true;
      leases?.stop();
      await service.stop();
    },
  };

  function addQuarantine(type: ActorType, { quarantined, quarantine: find, release }: QuarantineControl): void {
    addEndpoint(type, "quarantine.list", (_, body) => {
      const { after } = readParameters(body) ?? {};
      const place = typeof after === "string" ? { after } : {};
      const partitions = ownedPartitions(type);
      const page = { limit: QUARANTINE_PAGE, ...place, ...(partitions && { partitions }) };
      return inOne(() => ({ found: { ...quarantined(type, page), ...pastOf(type) } }));
    });
    addEndpointOfOne(type, "quarantine.show", (_, id) => inOne(() => find(type, id)), "in quarantine");
    addEndpointOfOne(type, "quarantine.release", (_, id) => inOne(() => release(type, id)), "in quarantine");
  }

  function addInspect(type: ActorType, { ask }: InspectLeases): void {
    service.addEndpoint(`${type.collection}-inspect`, {
      subject: querySubject(type, "inspect", "*"),
      handler(_, message) {
        const actorId = message.subject.split(".").at(-1) ?? "";
        if (!started || isReserved(types, message.reply ?? "")) return;
        if (whereabouts(type, actorId) !== "elsewhere") ask(type, actorId, message);
      },
    });
  }

  function addEndpointOfOne(
    type: ActorType,
    question: string,
    ask: (type: ActorType, actorId: string) => Pieces<object | undefined>,
    inWhat = "here",
  ): void {
    function* answerOne(actorId: string): Pieces<Reply> {
      // Before it is read: what is known to be all by then is.
      const where = whereabouts(type, actorId);
      if (where === "elsewhere") return undefined;
      const past = pastOf(type, actorId);
      const found = yield* ask(type, actorId);
      if (found !== undefined) return { found: { ...found, ...past } };
      const retired = queries.retired(type, actorId);
      if (retired !== undefined) return refusal(410, "retired", describeRetired(type, actorId, retired));
      if (where === "catching_up") return refusal(503, "unavailable", notYet(type, actorId));
      return refusal(404, "not_found", `no ${type.name} ${JSON.stringify(actorId)} ${inWhat}; ids are case-sensitive`);
    }
    const isOurs = (actorId: string) => whereabouts(type, actorId) !== "elsewhere";
    addEndpoint(type, question, (actorId) => (isOurs(actorId) ? answerOne(actorId) : undefined), "*");
  }

  function addEndpoint(
    type: ActorType,
    question: string,
    ask: (actorId: string, body: Uint8Array) => Answering,
    ofOne?: "*",
  ): void {
    service.addEndpoint(`${type.collection}-${question.replaceAll(".", "-")}`, {
      subject: querySubject(type, question, ofOne),
      handler(_, message) {
        if (!started || isReserved(types, message.reply ?? "")) return;
        const answering = ask(message.subject.split(".").at(-1) ?? "", message.data);
        if (answering === undefined) return;
        if ("status" in answering) return refuse(message, answering);
        door.ask(answer(message, answering)).catch((error: Error) => fail(message, error));
      },
    });
  }

  function list(type: ActorType, body: Uint8Array): Answering {
    const parameters = readParameters(body);
    if (parameters === null)
      return refusal(400, "bad_request", "body: expected a JSON object of at most 4 KiB, or nothing");
    const partitions = ownedPartitions(type);
    const { cursor } = parameters;
    const [giver, place = ""] = typeof cursor === "string" ? cursor.split(".") : [];
    if (giver !== undefined && giver !== id) {
      if (partitions !== undefined) return undefined;
      return refusal(400, "bad_request", "cursor: not from this daemon, or from before its restart; start again");
    }
    const filter = readListFilter(type, giver === undefined ? parameters : { ...parameters, cursor: place });
    if (isRefused(filter)) return refusal(400, "bad_request", filter.problem);
    return inOne(() => ({ found: { ...withGiver(id, queries.list(type, filter, partitions)), ...pastOf(type) } }));
  }

  function stats(type: ActorType): Reply {
    return { found: { ...queries.stats(type, ownedPartitions(type)), ...pastOf(type) } };
  }

  function* answer(message: ServiceMsg, answering: Pieces<Reply>): Pieces<void> {
    const reply = yield* answering;
    if (reply === undefined) return;
    const body = "found" in reply ? yield* encode(reply.found, nc.info?.max_payload) : reply;
    if (body instanceof Uint8Array) message.respond(body);
    else refuse(message, body);
  }

  function fail(message: ServiceMsg, error: Error): void {
    const isBusy = error instanceof BusyError;
    if (!isBusy) onError?.(error, message.subject);
    const unanswered = "this question failed inside natstate; its log says why";
    refuse(message, isBusy ? refusal(429, "busy", error.message) : refusal(500, "internal", unanswered));
  }
}

function refuse(to: ServiceMsg, { status, code, message }: Refusal): void {
  to.respondError(status, message, JSON.stringify({ error: { code, message } }));
}

/** Rows are numbered by the store they are in, so a place in one list is none in another daemon's. */
function withGiver(id: string, page: ActorPage): ActorPage {
  return page.nextCursor === null ? page : { ...page, nextCursor: `${id}.${page.nextCursor}` };
}

/** @returns null when the body is not a question. */
function readParameters(body: Uint8Array): Parameters | null {
  if (body.length === 0) return {};
  if (body.length > MAX_QUESTION_BYTES) return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return typeof value === "object" && !Array.isArray(value) ? (value as Parameters | null) : null;
  } catch {
    return null;
  }
}

/** JSON, if NATS can carry it. */
function* encode(found: object, maxBytes = Number.POSITIVE_INFINITY): Pieces<Uint8Array | Refusal> {
  const body = Buffer.from(yield* toJson(found));
  if (body.length <= maxBytes) return body;
  const message = `the answer has ${body.length} bytes, NATS here carries ${maxBytes}; ask over HTTP`;
  return refusal(413, "too_large", message);
}

function refusal(status: Refusal["status"], code: Refusal["code"], message: string): Refusal {
  return { status, code, message };
}
