import { ServiceError, Svcm } from "@nats-io/services";
import { type Msg, type NatsConnection, errors as natsErrors } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import { joinPasts, type Past } from "../answers/find-actor.ts";
import type { QuarantineDetail, QuarantineEntry, QuarantinePage, Released } from "../answers/quarantine.ts";
import type { ActorAnswer, ActorHistory, ActorPage, ActorSummary, Stats } from "../answers/queries.ts";
import { isRefused, listOrder, type Parameters, readListFilter } from "../answers/query-filters.ts";
import { QUERY_SERVICE, querySubject } from "../wire/names.ts";

/** A question that got no answer; `problem` says which kind of no. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly problem: "no_daemon" | "no_answer" | "busy" | "catching_up" | "refused" | "retired";

  constructor(problem: QueryError["problem"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** The first actors of a list over all daemons. */
export interface ActorList {
  readonly actors: readonly ActorSummary[];
  /** Are there more than were asked for? */
  readonly more: boolean;
  /** Set when one of the daemons has not read all of what it answers for. */
  readonly past?: Past;
}

/**
 * Asks the daemons of a running system, as one: each answers for its own partitions.
 *
 * Every method rejects with QueryError: `no_daemon` when none is there, `no_answer` when one that is there is silent,
 * `busy` when too many ask at once, for longer than one waits, `catching_up` when it cannot say yet,
 * `refused` when the question is not one (its message says why), `retired` when all that is known of an actor is that it
 * is retired (its message says what that means).
 */
export interface QueryClient {
  /** @returns undefined when there is no such actor. */
  get(type: ActorType, actorId: string): Promise<ActorAnswer | undefined>;
  /** @returns undefined when there is no such actor. */
  history(type: ActorType, actorId: string): Promise<ActorHistory | undefined>;
  /** @param filter - as `readListFilter` takes it, without `limit` and `cursor`. */
  list(type: ActorType, filter: Parameters, limit: number): Promise<ActorList>;
  /** Over all daemons, and over all of these types: their collections stand beside each other, all else is the sum. */
  stats(...types: readonly ActorType[]): Promise<Stats>;
  /** Every quarantined actor, by id. */
  quarantined(type: ActorType): Promise<QuarantineEntry[]>;
  /** @returns undefined when it is not quarantined. */
  quarantine(type: ActorType, actorId: string): Promise<QuarantineDetail | undefined>;
  /** Ends a quarantine. @returns undefined when it is not quarantined. */
  release(type: ActorType, actorId: string): Promise<Released | undefined>;
  /** How many daemons answer. */
  members(): Promise<number>;
}

const ANSWER_MS = 5000;
/** A daemon that has too many questions is asked again. */
const AGAIN_MS = 200;
/** A page of 200 summaries stays far below the 1 MiB a NATS message may have. */
const PAGE = 200;

/** Asks over NATS request/reply, see `query-service.ts` for the answering side. */
export function createQueryClient(nc: NatsConnection): QueryClient {
  const services = new Svcm(nc).client({ strategy: "stall", maxWait: 2000 });

  async function members(): Promise<number> {
    const ids = new Set<string>();
    try {
      for await (const { id } of await services.ping(QUERY_SERVICE)) ids.add(id);
    } catch (error) {
      if (!isNobody(error)) throw error;
    }
    return ids.size;
  }

  /** The answer of the one daemon that has the actor. */
  async function askOwner(type: ActorType, question: string, actorId: string): Promise<unknown> {
    const subject = querySubject(type, question, actorId);
    try {
      return await patiently(async () => read(await nc.request(subject, "", { timeout: ANSWER_MS })));
    } catch (error) {
      if (isNobody(error)) throw nobody(error);
      if (!(error instanceof natsErrors.TimeoutError)) throw error;
      const message = `nobody answered for ${type.name} ${actorId} within ${ANSWER_MS / 1000} s: its partition is between two owners, or the owner is busy`;
      throw new QueryError("no_answer", message, { cause: error });
    }
  }

  /** One answer of each daemon. */
  function askAll(type: ActorType, question: string, body: string): Promise<unknown[]> {
    return patiently(() => askAllOnce(type, question, body));
  }

  async function askAllOnce(type: ActorType, question: string, body: string): Promise<unknown[]> {
    const expected = await members();
    if (expected === 0) throw nobody();
    const replies: Msg[] = [];
    const options = { strategy: "count", maxMessages: expected, maxWait: ANSWER_MS } as const;
    try {
      for await (const reply of await nc.requestMany(querySubject(type, question), body, options)) replies.push(reply);
    } catch (error) {
      if (isNobody(error)) throw nobody(error);
      throw error;
    }
    if (replies.length < expected) {
      throw new QueryError(
        "no_answer",
        `of ${expected} daemons ${replies.length} answered within ${ANSWER_MS / 1000} s`,
      );
    }
    return replies.map(read);
  }

  /** A daemon's list from its first page on, until `wanted` actors are there. */
  async function readOn(type: ActorType, filter: Parameters, first: ActorPage, wanted: number): Promise<ActorList> {
    const actors = [...actorsOf(type, first)];
    let cursor = first.nextCursor;
    while (cursor !== null && actors.length < wanted) {
      const question = JSON.stringify({ ...filter, cursor, limit: Math.min(wanted - actors.length, PAGE) });
      // Only the daemon that gave the cursor answers.
      const ask = async () => read(await nc.request(querySubject(type, "list"), question, { timeout: ANSWER_MS }));
      const page = (await patiently(ask)) as ActorPage;
      actors.push(...actorsOf(type, page));
      cursor = page.nextCursor;
    }
    return { actors, more: cursor !== null };
  }

  /** Each daemon gives its first ones after `after`: what is complete is up to where the shortest of them ends. */
  async function quarantined(type: ActorType): Promise<QuarantineEntry[]> {
    const all: QuarantineEntry[] = [];
    let after = "";
    for (;;) {
      const pages = (await askAll(type, "quarantine.list", JSON.stringify({ after }))) as QuarantinePage[];
      const entriesOf = (page: QuarantinePage) => page[type.collection] as readonly QuarantineEntry[];
      const idOf = (entry: QuarantineEntry | undefined) => String(entry?.[type.idField] ?? "");
      const ends = pages.filter((page) => page.more).map((page) => idOf(entriesOf(page).at(-1)));
      const end = ends.sort(byBytes)[0];
      const entries = pages.flatMap(entriesOf).sort((a, b) => byBytes(idOf(a), idOf(b)));
      all.push(...entries.filter((entry) => end === undefined || byBytes(idOf(entry), end) <= 0));
      if (end === undefined) return all;
      after = end;
    }
  }

  return {
    get: (type, actorId) => orUndefined(askOwner(type, "get", actorId)) as Promise<ActorAnswer | undefined>,
    history: (type, actorId) => orUndefined(askOwner(type, "history", actorId)) as Promise<ActorHistory | undefined>,
    async list(type, filter, limit) {
      const checked = readListFilter(type, filter);
      if (isRefused(checked)) throw new QueryError("refused", checked.problem);
      const question = JSON.stringify({ ...filter, limit: Math.min(limit, PAGE) });
      const firsts = (await askAll(type, "list", question)) as ActorPage[];
      const lists = await Promise.all(firsts.map((first) => readOn(type, filter, first, limit)));
      const actors = lists.flatMap((list) => list.actors);
      if (lists.length > 1) sortActors(type, actors, listOrder(checked));
      const past = joinPasts(firsts);
      const more = actors.length > limit || lists.some((list) => list.more);
      return { actors: actors.slice(0, limit), more, ...(past && { past }) };
    },
    async stats(...types) {
      const all: Stats[] = [];
      for (const type of types) all.push(...((await askAll(type, "stats", "")) as Stats[]));
      return { ...all.reduce(addStats), ...joinPasts(all) };
    },
    quarantined,
    quarantine: (type, actorId) =>
      orUndefined(askOwner(type, "quarantine.show", actorId)) as Promise<QuarantineDetail | undefined>,
    release: (type, actorId) =>
      orUndefined(askOwner(type, "quarantine.release", actorId)) as Promise<Released | undefined>,
    members,
  };
}

/** As each daemon has sorted its own. */
function sortActors(type: ActorType, actors: ActorSummary[], order: ReturnType<typeof listOrder>): void {
  const field = { id: type.idField, seen: "firstSeen", updated: "lastUpdated" }[order];
  const direction = order === "id" ? 1 : -1;
  const keyOf = (actor: ActorSummary) => String(actor[field]);
  actors.sort((a, b) => direction * (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

function actorsOf(type: ActorType, page: ActorPage): readonly ActorSummary[] {
  return page[type.collection] as readonly ActorSummary[];
}

/** As SQLite orders ids, which are ASCII. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Adds two daemons' counts: the same shape, every number the sum. */
function addStats<Shape>(a: Shape, b: Shape): Shape {
  if (typeof a === "number" && typeof b === "number") return (a + b) as Shape;
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return a ?? b;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof Shape>;
  const sum = [...names].map((name) => [
    name,
    name in a && name in b ? addStats(a[name], b[name]) : (a[name] ?? b[name]),
  ]);
  return Object.fromEntries(sum) as Shape;
}

/** Asks a daemon that is busy again, for as long as one waits for an answer. */
async function patiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const endMs = performance.now() + ANSWER_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isBusy = error instanceof QueryError && error.problem === "busy";
      if (!isBusy || performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

async function orUndefined(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof QueryError && error.cause instanceof ServiceError && error.cause.code === 404)
      return undefined;
    throw error;
  }
}

function read(reply: Msg): unknown {
  const refusal = ServiceError.toServiceError(reply);
  if (refusal !== null) {
    const problem = { 410: "retired", 429: "busy", 503: "catching_up" } as const;
    throw new QueryError(problem[refusal.code as keyof typeof problem] ?? "refused", refusal.message, {
      cause: refusal,
    });
  }
  return reply.json();
}

/** NATS says that nobody subscribes to a subject. */
function isNobody(error: unknown): boolean {
  const cause = error instanceof natsErrors.RequestError ? error.cause : error;
  return cause instanceof natsErrors.NoRespondersError;
}

function nobody(cause?: unknown): QueryError {
  return new QueryError("no_daemon", "no natstate daemon answers", { cause });
}
