import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ActorType } from "../actor/actor-type.ts";
import { pathsOf } from "../actor/state-text.ts";
import type { Activity } from "../answers/activity.ts";
import type { Redrive, RedriveOutcome } from "../answers/dead-letters.ts";
import { whyNoLetter } from "../answers/find-actor.ts";
import type { Pulse } from "../answers/pulse.ts";
import type { Release } from "../answers/quarantine.ts";
import { readNoFilter } from "../answers/query-filters.ts";
import { graphOf } from "../charts/graph.ts";
import { layoutMachine } from "../charts/layout.ts";
import { inOne } from "../flow/pieces.ts";
import type { FoundLetter } from "../members/whole.ts";
import { REJECTION_REASONS } from "../wire/rejection.ts";
import { answer, askOne, refuse } from "./answering.ts";
import { PAGE_POLICY, readAssets } from "./assets.ts";
import type { ChangeGuard } from "./guard.ts";
import { createLive } from "./live.ts";
import { about } from "./routes.ts";
import type { Sources } from "./sources.ts";

/** What the page needs beyond the API's questions. */
export interface PageSources extends Sources {
  readonly activity: Activity;
  readonly redrive: Redrive;
  readonly release: Release;
  /** What a command copied from a page needs to find this daemon, such as `--nats <url>`; absent, nothing. */
  readonly where?: string;
  /** Told of failures that no request is answered with. */
  readonly onError?: (error: Error, path: string) => void;
}

const MAX_REDRIVES = 100;

/** The console: its files, what they are told live, and the two things they can change. */
export function addPageRoutes(app: FastifyInstance, sources: PageSources, guard: ChangeGuard): void {
  for (const { path, contentType, body } of readAssets(guard.pageToken)) {
    app.get(path, (_request, reply) =>
      reply.headers({ "content-type": contentType, "content-security-policy": PAGE_POLICY }).send(body),
    );
  }
  addMachineRoute(app, sources);
  addLiveRoute(app, sources);
  addRedriveRoute(app, sources, guard);
  addReleaseRoutes(app, sources, guard);
}

/** Layouts are made when they are first asked for, and once. */
function addMachineRoute(app: FastifyInstance, { types, where = "" }: PageSources): void {
  const described = new Map<ActorType, object>();
  const route = about(types, readNoFilter, ({ type }, reply) => {
    const description = described.get(type) ?? { ...describeMachine(type, types), where };
    described.set(type, description);
    return reply.send(description);
  });
  app.get("/api/machine", route);
}

function describeMachine(type: ActorType, types: readonly ActorType[]): object {
  const { name, collection, idField, states, decisionTypes, withdrawn, events } = type;
  const named = { name, collection, idField, decisionTypes, withdrawn };
  return {
    type: { ...named, states: pathsOf(states), eventTypes: Object.keys(events) },
    types: types.map((known) => ({ name: known.name, collection: known.collection })),
    reasons: REJECTION_REASONS,
    layout: layoutMachine(graphOf(type.machine)),
  };
}

function addLiveRoute(app: FastifyInstance, sources: PageSources): void {
  const { types, onError } = sources;
  const live = createLive<ActorType>({
    read: (type) => readPulse(sources, type),
    onError: (error) => onError?.(error, "/api/live"),
  });
  app.addHook("preClose", async () => live.close());
  const route = about(types, readNoFilter, ({ type }, reply) => {
    for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value ?? "");
    if (live.attach(type, reply.raw)) return reply.hijack();
    return refuse(reply, 503, "unavailable", `${live.listeners()} pages listen already, close one`);
  });
  app.get("/api/live", { exposeHeadRoute: false }, route);
}

/** What every open page is told each second: of all daemons, as far as they answer. */
async function readPulse(sources: PageSources, type: ActorType): Promise<object> {
  const { health, ownedPartitions, whole } = sources;
  const own = ownedPartitions(type);
  const pulse = own === undefined ? undefined : await whole.pulse(type);
  return { at: new Date().toISOString(), ...(pulse ?? readOwn(sources, type, own)), health: health.ready() };
}

/** What we know ourselves. */
function readOwn({ activity, queries, pastOf }: PageSources, type: ActorType, own?: readonly number[]): Pulse {
  return {
    stats: { ...queries.stats(type, own), ...pastOf(type) },
    activity: activity.read(type, Date.now()),
    next: queries.nextDue(type, own),
  };
}

/** One dead letter that was to be sent again; `sequence` is in the type's stream, as everywhere under this path. */
type Answered = { readonly sequence: number } & RedriveOutcome;

function addRedriveRoute(app: FastifyInstance, sources: PageSources, guard: ChangeGuard): void {
  const { types, queries, pastOf, redrive, ownedPartitions, whole } = sources;
  const route = about(types, readNoFilter, async ({ type }, reply, { body }) => {
    const sequences = readSequences(body);
    if (sequences === null) {
      return refuse(reply, 400, "bad_request", `expected {"sequences": [1 to ${MAX_REDRIVES} whole numbers]}`);
    }
    const deadLetters: Answered[] = [];
    for (const sequence of sequences) deadLetters.push({ sequence, ...(await redriveOne(type, sequence)) });
    return reply.send({ deadLetters });
  });
  app.post("/api/dead-letters/redrive", { bodyLimit: 4096, onRequest: onlyOurPage(guard) }, route);

  async function find(type: ActorType, sequence: number): Promise<FoundLetter> {
    if (ownedPartitions(type) !== undefined) return whole.deadLetter(type, sequence);
    const past = pastOf(type);
    return { deadLetter: queries.deadLetter(type, sequence), past };
  }

  async function redriveOne(type: ActorType, sequence: number): Promise<RedriveOutcome> {
    const { deadLetter: letter, past } = await find(type, sequence);
    if (letter === undefined) return { outcome: "failed", error: whyNoLetter(`${sequence}`, past).message };
    const { publishedSequence } = letter;
    if (publishedSequence === null) return { outcome: "failed", error: "not yet in DEAD_LETTERS, try again" };
    return redrive({ ...letter, publishedSequence });
  }
}

function readSequences(body: unknown): number[] | null {
  const { sequences } = (typeof body === "object" && body !== null ? body : {}) as { sequences?: unknown };
  if (!Array.isArray(sequences) || sequences.length === 0 || sequences.length > MAX_REDRIVES) return null;
  return sequences.every((sequence) => Number.isSafeInteger(sequence) && sequence > 0) ? [...new Set(sequences)] : null;
}

/** What every request that changes something has to pass. */
function onlyOurPage(guard: ChangeGuard) {
  return (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
    const refused = guard.refuse(request.headers);
    if (refused === null) next();
    else refuse(reply, 403, "forbidden", refused);
  };
}

/** Ends a quarantine for the console: `POST /api/<collection>/<id>/release` with `{}`, answered with a `Released`. */
function addReleaseRoutes(app: FastifyInstance, sources: PageSources, guard: ChangeGuard): void {
  const { types, release, questions } = sources;
  const door = questions.door();
  for (const type of types) {
    app.post(`/api/${type.collection}/:id/release`, { onRequest: onlyOurPage(guard) }, async (request, reply) => {
      const { id } = request.params as { id: string };
      const find = inOne(() => release(type, id));
      const asked = { question: "quarantine.release", find, among: "in quarantine" } as const;
      return answer(door, reply, {}, () => askOne(sources, type, id, asked));
    });
  }
}
