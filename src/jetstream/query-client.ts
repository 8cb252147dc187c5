import type { NatsConnection } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import { joinPasts, type Past } from "../answers/find-actor.ts";
import type { QuarantineDetail, QuarantineEntry, QuarantinePage, Released } from "../answers/quarantine.ts";
import type { ActorAnswer, ActorHistory, ActorPage, ActorSummary, Stats } from "../answers/queries.ts";
import { isRefused, listOrder, type Parameters, readListFilter } from "../answers/query-filters.ts";
import { createDaemons, type Daemons } from "./ask-daemons.ts";
import { QueryError } from "./query-error.ts";

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

/** A page of 200 summaries stays far below the 1 MiB a NATS message may have. */
const PAGE = 200;

/** Asks over NATS request/reply, see `query-service.ts` for the answering side. */
export function createQueryClient(nc: NatsConnection): QueryClient {
  const daemons = createDaemons(nc);
  const find = async (type: ActorType, question: string, actorId: string): Promise<unknown> => {
    try {
      return await daemons.askOwner(type, question, actorId);
    } catch (error) {
      if (error instanceof QueryError && error.problem === "not_found") return undefined;
      throw error;
    }
  };
  return {
    get: (type, actorId) => find(type, "get", actorId) as Promise<ActorAnswer | undefined>,
    history: (type, actorId) => find(type, "history", actorId) as Promise<ActorHistory | undefined>,
    list: (type, filter, limit) => list(daemons, type, filter, limit),
    async stats(...types) {
      const all: Stats[] = [];
      for (const type of types) all.push(...((await daemons.askAll(type, "stats", "")) as Stats[]));
      return { ...all.reduce(addStats), ...joinPasts(all) };
    },
    quarantined: (type) => listQuarantined(daemons, type),
    quarantine: (type, actorId) => find(type, "quarantine.show", actorId) as Promise<QuarantineDetail | undefined>,
    release: (type, actorId) => find(type, "quarantine.release", actorId) as Promise<Released | undefined>,
    members: daemons.count,
  };
}

async function list(daemons: Daemons, type: ActorType, filter: Parameters, limit: number): Promise<ActorList> {
  const checked = readListFilter(type, filter);
  if (isRefused(checked)) throw new QueryError("refused", checked.problem);
  const question = JSON.stringify({ ...filter, limit: Math.min(limit, PAGE) });
  const firsts = (await daemons.askAll(type, "list", question)) as ActorPage[];
  const lists = await Promise.all(firsts.map(readOn));
  const actors = lists.flatMap((each) => each.actors);
  if (lists.length > 1) sortActors(type, actors, listOrder(checked));
  const past = joinPasts(firsts);
  const more = actors.length > limit || lists.some((each) => each.more);
  return { actors: actors.slice(0, limit), more, ...(past && { past }) };

  /** A daemon's list from its first page on, until enough actors are there. */
  async function readOn(first: ActorPage): Promise<ActorList> {
    const known = [...actorsOf(type, first)];
    let cursor = first.nextCursor;
    while (cursor !== null && known.length < limit) {
      const next = JSON.stringify({ ...filter, cursor, limit: Math.min(limit - known.length, PAGE) });
      // Only the daemon that gave the cursor answers.
      const page = (await daemons.askOne(type, "list", next)) as ActorPage;
      known.push(...actorsOf(type, page));
      cursor = page.nextCursor;
    }
    return { actors: known, more: cursor !== null };
  }
}

/** Each daemon gives its first ones after `after`: what is complete is up to where the shortest of them ends. */
async function listQuarantined(daemons: Daemons, type: ActorType): Promise<QuarantineEntry[]> {
  const all: QuarantineEntry[] = [];
  let after = "";
  for (;;) {
    const pages = (await daemons.askAll(type, "quarantine.list", JSON.stringify({ after }))) as QuarantinePage[];
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
