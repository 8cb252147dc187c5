import { type ServiceMsg, Svcm } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import type { Inspections } from "../answers/inspection.ts";
import { BusyError, createQuestions, type Door, type Questions } from "../answers/questions.ts";
import { type Pieces, toJson } from "../flow/pieces.ts";
import { isReserved, QUERY_SERVICE, querySubject } from "../wire/names.ts";
import { createInspectLeases } from "./inspect-service.ts";
import {
  type Answering,
  type AnswerSources,
  questionsAbout,
  type Refusal,
  type Reply,
  refusal,
} from "./query-answers.ts";

/** The micro service that answers questions over NATS. */
export interface QueryService {
  /** As `$SRV.PING` gives it; new with every start. */
  readonly id: string;
  stop(): Promise<void>;
}

/** Nothing of it is called before the service is returned. */
export interface QueryServiceOptions extends AnswerSources {
  readonly nc: NatsConnection;
  readonly types: readonly ActorType[];
  /** Absent: nobody else asks. */
  readonly questions?: Questions;
  /** Absent: nobody can inspect. */
  readonly inspections?: Inspections;
  /** Put into the service's metadata: daemons with the same value share their streams. */
  readonly cluster: string;
  /** In the metadata too, see `Member`. */
  readonly instance: string;
  /** Semantic. */
  readonly version: string;
  /** Told of questions that are answered with 500, and of a service that NATS has ended. */
  readonly onError?: (error: Error, subject: string) => void;
}

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
  const { nc, types, inspections, whereabouts, cluster, instance, version, onError } = options;
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
  const give = createGiver(nc, (options.questions ?? createQuestions()).door(), onError);
  let started = false;
  let stopping = false;
  void service.stopped.then((error) => {
    if (!stopping && error !== null) onError?.(error, `$SRV.PING.${QUERY_SERVICE}`);
  });

  for (const type of types) {
    for (const { name, isOfOne, ask } of questionsAbout(type, id, options)) {
      listen(type, name, isOfOne, (actorId, message) => give(message, ask(actorId, message.data)));
    }
    if (leases === undefined) continue;
    listen(type, "inspect", true, (actorId, message) => {
      if (whereabouts(type, actorId) !== "elsewhere") leases.ask(type, actorId, message);
    });
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

  function listen(
    type: ActorType,
    name: string,
    isOfOne: boolean,
    take: (actorId: string, message: ServiceMsg) => void,
  ) {
    service.addEndpoint(`${type.collection}-${name.replaceAll(".", "-")}`, {
      subject: querySubject(type, name, isOfOne ? "*" : undefined),
      handler(_, message) {
        if (!started || isReserved(types, message.reply ?? "")) return;
        take(message.subject.split(".").at(-1) ?? "", message);
      },
    });
  }
}

/** Gives answers when it is their turn; what is known at once is said at once. */
function createGiver(nc: NatsConnection, door: Door, onError: QueryServiceOptions["onError"]) {
  function* give(message: ServiceMsg, answering: Pieces<Reply>): Pieces<void> {
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

  return (message: ServiceMsg, answering: Answering): void => {
    if (answering === undefined) return;
    if ("status" in answering) refuse(message, answering);
    else door.ask(give(message, answering)).catch((error: Error) => fail(message, error));
  };
}

function refuse(to: ServiceMsg, { status, code, message }: Refusal): void {
  to.respondError(status, message, JSON.stringify({ error: { code, message } }));
}

/** JSON, if NATS can carry it. */
function* encode(found: object, maxBytes = Number.POSITIVE_INFINITY): Pieces<Uint8Array | Refusal> {
  const body = Buffer.from(yield* toJson(found));
  if (body.length <= maxBytes) return body;
  const message = `the answer has ${body.length} bytes, NATS here carries ${maxBytes}; ask over HTTP`;
  return refusal(413, "too_large", message);
}
