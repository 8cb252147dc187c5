import { type ServiceMsg, Svcm } from "@nats-io/services";
import { type NatsConnection, nuid } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import type { Inspections } from "../answers/inspection.ts";
import { BusyError, type Door, type Questions } from "../answers/questions.ts";
import { inOne, type Pieces, toJson } from "../flow/pieces.ts";
import type { ToldTypes } from "../wire/gathered-types.ts";
import { isReserved, QUERY_SERVICE, querySubject, TYPES_SUBJECT } from "../wire/names.ts";
import { describeType } from "../wire/type-description.ts";
import { QUESTION_ID, sendInPieces } from "./answer-pieces.ts";
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
export type QueryService = Awaited<ReturnType<typeof startQueryService>>;

/** Nothing of it is called before the service is returned. */
export interface QueryServiceOptions extends AnswerSources {
  readonly nc: NatsConnection;
  readonly types: readonly ActorType[];
  readonly questions: Questions;
  readonly inspections: Inspections;
  /** In the service's metadata: of the data directory. */
  readonly instance: string;
  /** Semantic. */
  readonly version: string;
  /** Told of questions that are answered with 500, and of a service that NATS has ended. */
  readonly onError: (error: Error, subject: string) => void;
}

/**
 * Answers `natstate.<collection>.get.<id>`, `.history.<id>`, `.list` and `.stats` (docs/reference.md, "Queries"), and
 * `.quarantine.list`, `.quarantine.show.<id>` and `.quarantine.release.<id>`; and `.inspect.<id>`, see
 * `inspect-service.ts`. And `natstate.types`: each of its types, see `type-description.ts`.
 *
 * Every daemon hears every question. Those about one id are answered by the owner of its partition alone, the others
 * by each daemon for its own partitions, which it names (`share.ts`).
 * A refusal has the headers `Nats-Service-Error-Code` and `Nats-Service-Error`, and the same as JSON in its body.
 *
 * @returns when NATS knows the subscriptions.
 */
export async function startQueryService(options: QueryServiceOptions) {
  const { nc, types, inspections, whereabouts, instance, version, onError } = options;
  const service = await new Svcm(nc).add({
    name: QUERY_SERVICE,
    version,
    description: "Durable actors: their state, their history and the decisions they have taken.",
    metadata: { instance },
    // Without a queue group: who answers depends on the partition, which NATS does not know.
    queue: "",
  });
  const { id } = service.ping();
  const leases = createInspectLeases(nc, inspections);
  const give = createGiver(nc, options.questions.door(), onError);
  let known: Readonly<Record<string, number>> = {};
  let started = false;
  let stopping = false;
  void service.stopped.then((error) => {
    if (!stopping && error !== null) onError(error, `$SRV.PING.${QUERY_SERVICE}`);
  });

  serve("types", TYPES_SUBJECT, (message) => {
    give(
      message,
      inOne(() => ({ found: { types: types.map(describeType), known } satisfies ToldTypes })),
    );
  });
  for (const type of types) {
    for (const { name, isOfOne, ask } of questionsAbout(type, options)) {
      listen(type, name, isOfOne, (actorId, message) => give(message, ask(actorId, message.data)));
    }
    listen(type, "inspect", true, (actorId, message) => {
      if (whereabouts(type, actorId) !== "elsewhere") leases.ask(type, actorId, message);
    });
  }
  await nc.flush();
  started = true;

  return {
    /** As `$SRV.PING` gives it; new with every start. */
    id,
    /** From now on it is told with our types which there are anywhere: the highest version of each, by name. */
    know(versions: Readonly<Record<string, number>>): void {
      known = versions;
    },
    async stop(): Promise<void> {
      stopping = true;
      leases.stop();
      await service.stop();
    },
  };

  function listen(
    type: ActorType,
    name: string,
    isOfOne: boolean,
    take: (actorId: string, message: ServiceMsg) => void,
  ) {
    const subject = querySubject(type, name, isOfOne ? "*" : undefined);
    serve(`${type.collection}-${name.replaceAll(".", "-")}`, subject, (message) =>
      take(message.subject.split(".").at(-1) ?? "", message),
    );
  }

  function serve(name: string, subject: string, take: (message: ServiceMsg) => void): void {
    service.addEndpoint(name, {
      subject,
      handler(_, message) {
        if (started && !isReserved(types, message.reply ?? "")) take(message);
      },
    });
  }
}

/** Gives answers when it is their turn; what is known at once is said at once. */
function createGiver(nc: NatsConnection, door: Door, onError: QueryServiceOptions["onError"]) {
  const waiting = new Set<unknown>();

  function* give(message: ServiceMsg, answering: Pieces<Reply>): Pieces<void> {
    const reply = yield* answering;
    if (reply === undefined) return;
    if ("found" in reply) yield* tell(message, Buffer.from(yield* toJson(reply.found)));
    else refuse(message, reply);
  }

  function* tell(message: ServiceMsg, body: Uint8Array): Pieces<void> {
    const maxBytes = nc.info?.max_payload ?? body.length;
    if (body.length <= maxBytes) message.respond(body);
    else if (message.headers?.has(QUESTION_ID)) {
      yield* sendInPieces(body, nuid.next(), maxBytes, (bytes, headers) => message.respond(bytes, { headers }));
    } else {
      const tooLarge = `the answer has ${body.length} bytes, NATS here carries ${maxBytes}; ask over HTTP`;
      refuse(message, refusal(413, "too_large", tooLarge));
    }
  }

  function fail(message: ServiceMsg, error: Error): void {
    const isBusy = error instanceof BusyError;
    if (!isBusy) onError(error, message.subject);
    const unanswered = "this question failed inside natstate; its log says why";
    refuse(message, isBusy ? refusal(429, "busy", error.message) : refusal(500, "internal", unanswered));
  }

  return (message: ServiceMsg, answering: Answering): void => {
    if (answering === undefined) return;
    if ("status" in answering) {
      refuse(message, answering);
      return;
    }
    const id = message.headers?.get(QUESTION_ID) || message;
    if (waiting.has(id)) return;
    waiting.add(id);
    door
      .ask(give(message, answering))
      .catch((error: Error) => fail(message, error))
      .finally(() => waiting.delete(id));
  };
}

function refuse(to: ServiceMsg, { status, code, message, more }: Refusal): void {
  to.respondError(status, message, JSON.stringify({ error: { code, message }, ...more }));
}
