import type { ActorType } from "../actor/actor-type.ts";
import { joinPasts, type Past } from "../answers/find-actor.ts";
import { joinStats } from "../answers/joined-answers.ts";
import type { QuarantineDetail, Released } from "../answers/quarantine.ts";
import type { ActorAnswer, ActorHistory, ActorPage, ActorSummary, Stats } from "../answers/queries.ts";
import { toProblem } from "../answers/query-error.ts";
import type { Parameters } from "../answers/query-filters.ts";
import type { Session } from "../jetstream/session.ts";
import { typeOf } from "../wire/type-description.ts";
import { createAsking } from "./asking.ts";
import { createWhole, type Whole } from "./whole.ts";

/** The first actors of a list over all daemons. */
export interface ActorList {
  readonly actors: readonly ActorSummary[];
  /** Are there more than were asked for? */
  readonly more: boolean;
  /** Set when one of the daemons has not read all of what it answers for. */
  readonly past?: Past;
}

/**
 * Asks the daemons of a running system, as one, from a process that is none of them.
 *
 * Every method rejects with QueryError: `no_daemon` when none is there, `no_answer` when nobody answers for a partition,
 * `busy` when too many ask at once, for longer than one waits, `catching_up` when it cannot say yet,
 * `refused` when the question is not one (its message says why), `retired` when all that is known of an actor is that it
 * is retired (its message says what that means).
 */
export interface QueryClient extends Pick<Whole, "quarantined"> {
  /** @returns undefined when there is no such actor. */
  get(type: ActorType, actorId: string): Promise<ActorAnswer | undefined>;
  /** @returns undefined when there is no such actor. */
  history(type: ActorType, actorId: string): Promise<ActorHistory | undefined>;
  /** @param filter - as `readListFilter` takes it, without `limit` and `cursor`. */
  list(type: ActorType, filter: Parameters, limit: number): Promise<ActorList>;
  /** Over all daemons, and over all of these types: their collections stand beside each other, all else is the sum. */
  stats(...types: readonly ActorType[]): Promise<Stats>;
  /** @returns undefined when it is not quarantined. */
  quarantine(type: ActorType, actorId: string): Promise<QuarantineDetail | undefined>;
  /** Ends a quarantine. @returns undefined when it is not quarantined. */
  release(type: ActorType, actorId: string): Promise<Released | undefined>;
  /** The types there are, to look at their actors: their rules throw. */
  types(): Promise<ActorType[]>;
}

const PAGE = 200;
const PATIENCE_MS = 8000;

export function createQueryClient({ nc, newInbox }: Pick<Session, "nc" | "newInbox">): QueryClient {
  const asking = createAsking({ nc, newInbox, patienceMs: PATIENCE_MS });
  const whole = createWhole(asking);

  async function find<Answer>(type: ActorType, question: string, actorId: string): Promise<Answer | undefined> {
    const told = await asking.owner(type, question, actorId);
    if (told.status === 404) return undefined;
    if (told.status !== 200) throw toProblem(told);
    return JSON.parse(Buffer.from(told.body).toString("utf8")) as Answer;
  }

  return {
    get: (type, actorId) => find(type, "get", actorId),
    history: (type, actorId) => find(type, "history", actorId),
    list: (type, filter, limit) => list(whole, type, filter, limit),
    async stats(...types) {
      const all: Stats[] = [];
      for (const type of types) all.push(await whole.stats(type));
      return joinStats(all);
    },
    quarantined: whole.quarantined,
    quarantine: (type, actorId) => find(type, "quarantine.show", actorId),
    release: (type, actorId) => find(type, "quarantine.release", actorId),
    async types() {
      return (await asking.types()).map(typeOf);
    },
  };
}

async function list(whole: Whole, type: ActorType, filter: Parameters, limit: number): Promise<ActorList> {
  const actors: ActorSummary[] = [];
  const pages: ActorPage[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null && (pages.length === 0 || actors.length < limit)) {
    const page = await whole.list(type, { ...filter, cursor, limit: Math.min(limit - actors.length, PAGE) });
    pages.push(page);
    actors.push(...(page[type.collection] as readonly ActorSummary[]));
    cursor = page.nextCursor;
  }
  const past = joinPasts(pages);
  return { actors, more: cursor !== null, ...(past && { past }) };
}
