import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ActorType } from "../actor/actor-type.ts";
import { describeRetired, notOurs, notYet, type PastOf, type Whereabouts } from "../answers/find-actor.ts";
import type { Queries, Stats } from "../answers/queries.ts";
import {
  isRefused,
  type Parameters,
  type Refused,
  readDeadLetterFilter,
  readListFilter,
  readMoment,
  readNoFilter,
} from "../answers/query-filters.ts";
import { createQuestions, type Door, type Questions } from "../answers/questions.ts";
import { inOne, type Pieces, toJson } from "../flow/pieces.ts";

/** What `/readyz` says: ready when every check is ok. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
}

/** Where the answers come from. */
export interface Sources {
  readonly types: readonly ActorType[];
  readonly queries: Queries;
  /** Absent: nobody else asks. */
  readonly questions?: Questions;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly health: { live(): boolean; ready(): Readiness };
  /** Absent: everything is here. */
  readonly whereabouts?: (type: ActorType, actorId: string) => Whereabouts;
  /** Absent: all answers are of now. */
  readonly pastOf?: PastOf;
  /** Partitions of a type to list and count; undefined is all. */
  readonly ownedPartitions?: (type: ActorType) => readonly number[] | undefined;
  /** How many partitions a type has. Absent: nobody asks. */
  readonly partitions?: number;
}

/** Said with a list and with counts that are those of some partitions only, because other daemons read the others. */
export interface Share {
  readonly share?: { readonly partitions: readonly number[]; readonly of: number };
}

/** Stable: programs look at it, people read the message. */
export type ErrorCode =
  | "bad_request"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "retired"
  | "method_not_allowed"
  | "misdirected_request"
  | "internal"
  | "unavailable";

/** Answers `{ error: { code, message } }`. */
export function refuse(reply: FastifyReply, status: number, code: ErrorCode, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

/** Everything the server answers; each is a GET. */
export function addRoutes(app: FastifyInstance, sources: Sources): void {
  const door = (sources.questions ?? createQuestions()).door();
  for (const type of sources.types) addActorRoutes(app, type, sources, door);
  addDeadLetterRoutes(app, sources, door);
  addOperationRoutes(app, sources, door);
}

function addActorRoutes(app: FastifyInstance, type: ActorType, sources: Sources, door: Door): void {
  const { queries, ownedPartitions, whereabouts = () => "here", pastOf } = sources;
  const path = `/api/${type.collection}`;
  app.get(path, (request, reply) =>
    answer(door, reply, readListFilter(type, parametersOf(request)), (filter) =>
      inOne(() => ({
        ...queries.list(type, filter, ownedPartitions?.(type)),
        ...shareOf(sources, type),
        ...pastOf?.(type),
      })),
    ),
  );
  app.get(`${path}/:id`, (request, reply) => answerOne(request, reply, (id) => queries.get(type, id)));
  app.get(`${path}/:id/history`, (request, reply) => answerOne(request, reply, (id) => queries.history(type, id)));
  app.get(`${path}/:id/steps`, (request, reply) => answerOne(request, reply, (id) => queries.steps(type, id)));
  app.get(`${path}/:id/next`, (request, reply) => {
    const filter = readMoment(parametersOf(request));
    return answer(door, reply, filter, ({ at }) => ifOurs(request, (id) => queries.next(type, id, at)), missing);
  });

  function answerOne(request: FastifyRequest, reply: FastifyReply, ask: (id: string) => Pieces<object | undefined>) {
    return answer(door, reply, readNoFilter(parametersOf(request)), () => ifOurs(request, ask), missing);
  }

  /** What is here of an actor that another daemon has now is of the past. */
  function* ifOurs(
    request: FastifyRequest,
    ask: (id: string) => Pieces<object | undefined>,
  ): Pieces<object | undefined> {
    const id = idOf(request);
    if (whereabouts(type, id) === "elsewhere") return undefined;
    // Before it is read: what is known to be all by then is.
    const past = pastOf?.(type, id);
    const found = yield* ask(id);
    return found && { ...found, ...past };
  }

  function missing(reply: FastifyReply): FastifyReply {
    const id = idOf(reply.request);
    const where = whereabouts(type, id);
    if (where === "elsewhere") return refuse(reply, 503, "unavailable", notOurs(type, id));
    const retired = queries.retired(type, id);
    if (retired === undefined && where === "catching_up") return refuse(reply, 503, "unavailable", notYet(type, id));
    if (retired === undefined) {
      return refuse(reply, 404, "not_found", `no ${type.name} '${id.slice(0, 128)}' here; ids are case-sensitive`);
    }
    const error = { code: "retired" satisfies ErrorCode, message: describeRetired(type, id, retired) };
    return reply.code(410).send({ error, retired });
  }
}

function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id;
}

function addDeadLetterRoutes(app: FastifyInstance, { types, queries, pastOf }: Sources, door: Door): void {
  app.get("/api/dead-letters", (request, reply) =>
    answer(door, reply, readTyped(types, request, readDeadLetterFilter), ({ type, filter }) =>
      inOne(() => ({ ...queries.deadLetters(type, filter), ...pastOf?.(type) })),
    ),
  );
  app.get("/api/dead-letters/:sequence", (request, reply) => {
    const { sequence } = request.params as { sequence: string };
    const missing = (to: FastifyReply) =>
      refuse(
        to,
        404,
        "not_found",
        `no dead letter '${sequence.slice(0, 128)}' here; they are named by their sequence in the event stream`,
      );
    const ask = (type: ActorType) =>
      /^\d{1,15}$/.test(sequence) ? queries.deadLetter(type, Number(sequence)) : undefined;
    return answer(door, reply, readTyped(types, request, readNoFilter), ({ type }) => inOne(() => ask(type)), missing);
  });
}

function addOperationRoutes(app: FastifyInstance, sources: Sources, door: Door): void {
  const { types, metrics, health } = sources;
  app.get("/api/stats", (request, reply) =>
    answer(door, reply, readTyped(types, request, readNoFilter), ({ type }) => inOne(() => countAll(sources, type))),
  );
  app.get("/metrics", async (_request, reply) => {
    const { contentType, body } = await metrics();
    return reply.type(contentType).send(body);
  });
  app.get("/livez", (_request, reply) => {
    const live = health.live();
    return reply.code(live ? 200 : 503).send({ live });
  });
  app.get("/readyz", (_request, reply) => {
    const readiness = health.ready();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
}

/** What there is of a type, and was. */
export function countAll(sources: Sources, type: ActorType): Stats {
  const { queries, ownedPartitions, pastOf } = sources;
  return { ...queries.stats(type, ownedPartitions?.(type)), ...shareOf(sources, type), ...pastOf?.(type) };
}

function shareOf({ ownedPartitions, partitions: of = 0 }: Sources, type: ActorType): Share {
  const partitions = ownedPartitions?.(type);
  return partitions === undefined || partitions.length >= of ? {} : { share: { partitions, of } };
}

/** Answers a question when its turn comes, unless its parameters are refused. `missing` answers when nothing is found. */
async function answer<Filter extends object>(
  door: Door,
  reply: FastifyReply,
  filter: Filter | Refused,
  ask: (filter: Filter) => Pieces<object | undefined>,
  missing = (to: FastifyReply) => refuse(to, 404, "not_found", ""),
): Promise<FastifyReply> {
  if (isRefused(filter)) return refuse(reply, 400, "bad_request", filter.problem);
  await door.ask(give());
  return reply;

  function* give(): Pieces<void> {
    // Whoever asked may have gone while the question waited.
    if (reply.raw.destroyed) return;
    const found = yield* ask(filter as Filter);
    if (found === undefined) missing(reply);
    else reply.type("application/json; charset=utf-8").send(yield* toJson(found));
  }
}

/** The actor type a question is about (`?type=order`, by default the first this build runs), and its other parameters. */
export function readTyped<Filter extends object>(
  types: readonly ActorType[],
  request: FastifyRequest,
  read: (parameters: Parameters) => Filter | Refused,
): { readonly type: ActorType; readonly filter: Filter } | Refused {
  const { type: name, ...parameters } = parametersOf(request);
  const type = name === undefined ? types[0] : types.find((known) => known.name === name);
  if (type === undefined) return { problem: `type: expected one of ${types.map((known) => known.name).join(", ")}` };
  const filter = read(parameters);
  return isRefused(filter) ? filter : { type, filter };
}

function parametersOf(request: FastifyRequest): Parameters {
  return request.query as Parameters;
}
