import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ActorType } from "../actor/actor-type.ts";
import { ABSENCES, type Finding, findActor, type PastOf, type Whereabouts } from "../answers/find-actor.ts";
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

/** What is found, or an answer that says why not, with the status for it. */
type Reply =
  | { readonly found: object }
  | { readonly status: number; readonly code: ErrorCode; readonly message: string; readonly more?: object };

/** Everything the server answers; each is a GET. */
export function addRoutes(app: FastifyInstance, sources: Sources): void {
  const door = (sources.questions ?? createQuestions()).door();
  for (const type of sources.types) addActorRoutes(app, type, sources, door);
  addDeadLetterRoutes(app, sources, door);
  addOperationRoutes(app, sources, door);
}

function addActorRoutes(app: FastifyInstance, type: ActorType, sources: Sources, door: Door): void {
  const { queries, ownedPartitions, whereabouts = () => "here", pastOf } = sources;
  const places = { whereabouts, pastOf, retired: queries.retired };
  const path = `/api/${type.collection}`;
  app.get(path, (request, reply) =>
    answer(door, reply, readListFilter(type, parametersOf(request)), (filter) =>
      inOne(() => ({
        found: {
          ...queries.list(type, filter, ownedPartitions?.(type)),
          ...shareOf(sources, type),
          ...pastOf?.(type),
        },
      })),
    ),
  );
  for (const [question, ask] of [
    ["", queries.get],
    ["/history", queries.history],
    ["/steps", queries.steps],
  ] as const) {
    app.get(`${path}/:id${question}`, (request, reply) =>
      answer(door, reply, readNoFilter(parametersOf(request)), () => find(request, (id) => ask(type, id))),
    );
  }
  app.get(`${path}/:id/next`, (request, reply) =>
    answer(door, reply, readMoment(parametersOf(request)), ({ at }) =>
      find(request, (id) => queries.next(type, id, at)),
    ),
  );

  function* find({ params }: FastifyRequest, ask: (id: string) => Pieces<object | undefined>): Pieces<Reply> {
    const { id: actorId } = params as { id: string };
    const quoted = `'${actorId.slice(0, 128)}'`;
    return tell(yield* findActor(places, { type, actorId, quoted }, ask(actorId)));
  }
}

/** What is found, or the status and the words for why nothing is. */
export function tell(finding: Finding): Reply {
  if (finding.kind === "found") return { found: finding.answer };
  const { kind, message, retired } = finding;
  return { ...ABSENCES[kind], message, ...(retired && { more: { retired } }) };
}

function addDeadLetterRoutes(app: FastifyInstance, { types, queries, pastOf }: Sources, door: Door): void {
  app.get("/api/dead-letters", (request, reply) =>
    answer(door, reply, readTyped(types, request, readDeadLetterFilter), ({ type, filter }) =>
      inOne(() => ({ found: { ...queries.deadLetters(type, filter), ...pastOf?.(type) } })),
    ),
  );
  app.get("/api/dead-letters/:sequence", (request, reply) => {
    const { sequence } = request.params as { sequence: string };
    return answer(door, reply, readTyped(types, request, readNoFilter), ({ type }) =>
      inOne(() => {
        const found = /^\d{1,15}$/.test(sequence) ? queries.deadLetter(type, Number(sequence)) : undefined;
        if (found !== undefined) return { found };
        const message = `no dead letter '${sequence.slice(0, 128)}' here; they are named by their sequence in the event stream`;
        return { status: 404, code: "not_found", message };
      }),
    );
  });
}

function addOperationRoutes(app: FastifyInstance, sources: Sources, door: Door): void {
  const { types, metrics, health } = sources;
  app.get("/api/stats", (request, reply) =>
    answer(door, reply, readTyped(types, request, readNoFilter), ({ type }) =>
      inOne(() => ({ found: countAll(sources, type) })),
    ),
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

/** Answers a question when its turn comes, unless its parameters are refused. */
async function answer<Filter extends object>(
  door: Door,
  reply: FastifyReply,
  filter: Filter | Refused,
  ask: (filter: Filter) => Pieces<Reply>,
): Promise<FastifyReply> {
  if (isRefused(filter)) return refuse(reply, 400, "bad_request", filter.problem);
  await door.ask(give(filter));
  return reply;

  function* give(given: Filter): Pieces<void> {
    // Whoever asked may have gone while the question waited.
    if (reply.raw.destroyed) return;
    const answered = yield* ask(given);
    if ("found" in answered) {
      reply.type("application/json; charset=utf-8").send(yield* toJson(answered.found));
      return;
    }
    const { status, code, message, more } = answered;
    reply.code(status).send({ error: { code, message }, ...more });
  }
}

/** The actor type a question is about (for example `?type=order`, by default the first this build runs), and its other parameters. */
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
