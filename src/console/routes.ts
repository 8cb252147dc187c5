import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ActorType } from "../actor/actor-type.ts";
import { whyNoLetter } from "../answers/find-actor.ts";
import {
  isRefused,
  type Parameters,
  type Refused,
  readDeadLetterFilter,
  readListFilter,
  readMoment,
  readNoFilter,
  readQuarantineFilter,
} from "../answers/query-filters.ts";
import type { Door } from "../answers/questions.ts";
import { inOne } from "../flow/pieces.ts";
import { overviewOf } from "../members/overview.ts";
import type { FoundLetter } from "../members/whole.ts";
import { answer, askAll, askOne, type Reply, refuse, tell } from "./answering.ts";
import type { Sources } from "./sources.ts";

/** Everything the server answers; each is a GET. */
export function addRoutes(app: FastifyInstance, sources: Sources): void {
  const door = sources.questions.door();
  for (const type of sources.types) addActorRoutes(app, type, sources, door);
  addDeadLetterRoutes(app, sources, door);
  addOperationRoutes(app, sources, door);
}

function addActorRoutes(app: FastifyInstance, type: ActorType, sources: Sources, door: Door): void {
  const { queries, pastOf } = sources;
  const path = `/api/${type.collection}`;
  app.get(path, (request, reply) => {
    const parameters = parametersOf(request);
    return answer(door, reply, readListFilter(type, parameters), (filter) => {
      const here = inOne(() => ({ found: { ...queries.list(type, filter), ...pastOf(type) } }));
      return askAll(sources, type, here, async (whole) => ({ found: await whole.list(type, parameters) }));
    });
  });
  for (const [question, tail, ask] of [
    ["get", "", queries.get],
    ["history", "/history", queries.history],
    ["steps", "/steps", queries.steps],
  ] as const) {
    app.get(`${path}/:id${tail}`, (request, reply) =>
      answer(door, reply, readNoFilter(parametersOf(request)), () => {
        const id = idOf(request);
        return askOne(sources, type, id, { question, find: ask(type, id) });
      }),
    );
  }
  app.get(`${path}/:id/next`, (request, reply) =>
    answer(door, reply, readMoment(parametersOf(request)), (filter) => {
      const id = idOf(request);
      return askOne(sources, type, id, { question: "next", filter, find: queries.next(type, id, filter.at) });
    }),
  );
}

function idOf({ params }: FastifyRequest): string {
  return (params as { id: string }).id;
}

function addDeadLetterRoutes(app: FastifyInstance, sources: Sources, door: Door): void {
  const { types, queries, pastOf } = sources;
  app.get("/api/dead-letters", (request, reply) =>
    answer(door, reply, readTyped(types, request, readDeadLetterFilter), ({ type, filter }) => {
      const { type: _, ...parameters } = parametersOf(request);
      const here = inOne(() => ({ found: { ...queries.deadLetters(type, filter), ...pastOf(type) } }));
      return askAll(sources, type, here, async (whole) => ({ found: await whole.deadLetters(type, parameters) }));
    }),
  );
  app.get("/api/dead-letters/:sequence", (request, reply) => {
    const { sequence: named } = request.params as { sequence: string };
    const sequence = /^\d{1,15}$/.test(named) ? Number(named) : 0;
    return answer(door, reply, readTyped(types, request, readNoFilter), ({ type }) => {
      // What is no sequence is nobody's.
      if (sequence === 0) return { elsewhere: async () => tell(whyNoLetter(named, undefined)) };
      const here = inOne(() => {
        // Before it is looked for: what is known to be all by then is.
        const past = pastOf(type);
        return tellLetter(named, { deadLetter: queries.deadLetter(type, sequence), past });
      });
      return askAll(sources, type, here, async (whole) => tellLetter(named, await whole.deadLetter(type, sequence)));
    });
  });
}

function tellLetter(named: string, { deadLetter, past }: FoundLetter): Reply {
  return tell(deadLetter === undefined ? whyNoLetter(named, past) : { kind: "found", answer: deadLetter });
}

function addOperationRoutes(app: FastifyInstance, sources: Sources, door: Door): void {
  const { types, queries, pastOf, daemons } = sources;
  app.get("/api/stats", (request, reply) =>
    answer(door, reply, readTyped(types, request, readNoFilter), ({ type }) => {
      const here = inOne(() => ({ found: { ...queries.stats(type), ...pastOf(type) } }));
      return askAll(sources, type, here, async (whole) => ({ found: await whole.stats(type) }));
    }),
  );
  app.get("/api/quarantine", (request, reply) =>
    answer(door, reply, readTyped(types, request, readQuarantineFilter), ({ type, filter }) => {
      const { type: _, ...parameters } = parametersOf(request);
      const here = inOne(() => ({ found: { ...queries.quarantined(type, filter), ...pastOf(type) } }));
      return askAll(sources, type, here, async (whole) => ({ found: await whole.quarantinePage(type, parameters) }));
    }),
  );
  app.get("/api/daemons", (_request, reply) => reply.send(overviewOf(daemons())));
  addProbes(app, sources);
}

/** What orchestrators and scrapers ask. */
export function addProbes(app: FastifyInstance, { metrics, health }: Pick<Sources, "metrics" | "health">): void {
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

/** A route about one actor type: what its parameters say, or 400 for those that cannot be. */
export function about<Filter extends object>(
  types: readonly ActorType[],
  read: (parameters: Parameters) => Filter | Refused,
  answered: (asked: Typed<Filter>, reply: FastifyReply, request: FastifyRequest) => unknown,
): (request: FastifyRequest, reply: FastifyReply) => unknown {
  return (request, reply) => {
    const asked = readTyped(types, request, read);
    return isRefused(asked) ? refuse(reply, 400, "bad_request", asked.problem) : answered(asked, reply, request);
  };
}

interface Typed<Filter> {
  readonly type: ActorType;
  readonly filter: Filter;
}

/** The actor type a question is about (for example `?type=order`, by default the first this build runs), and its other parameters. */
function readTyped<Filter extends object>(
  types: readonly ActorType[],
  request: FastifyRequest,
  read: (parameters: Parameters) => Filter | Refused,
): Typed<Filter> | Refused {
  const { type: name, ...parameters } = parametersOf(request);
  const type = name === undefined ? types[0] : types.find((known) => known.name === name);
  if (type === undefined) return { problem: `type: expected one of ${types.map((known) => known.name).join(", ")}` };
  const filter = read(parameters);
  return isRefused(filter) ? filter : { type, filter };
}

function parametersOf(request: FastifyRequest): Parameters {
  return request.query as Parameters;
}
