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
export type QueryClient = ReturnType<typeof createQueryClient>;

const PAGE = 200;
const PATIENCE_MS = 8000;

export function createQueryClient({ nc, newInbox }: Pick<Session, "nc" | "newInbox">) {
  const asking = createAsking({ nc, newInbox, patienceMs: PATIENCE_MS });
  const whole = createWhole(asking);

  async function find<Answer>(type: ActorType, question: string, actorId: string): Promise<Answer | undefined> {
    const told = await asking.owner(type, question, actorId);
    if (told.status === 404) return undefined;
    if (told.status !== 200) throw toProblem(told);
    return JSON.parse(Buffer.from(told.body).toString("utf8")) as Answer;
  }

  return {
    /** @returns undefined when there is no such actor. */
    get: (type: ActorType, actorId: string) => find<ActorAnswer>(type, "get", actorId),
    /** @returns undefined when there is no such actor. */
    history: (type: ActorType, actorId: string) => find<ActorHistory>(type, "history", actorId),
    /** @param filter - as `readListFilter` takes it, without `limit` and `cursor`. */
    list: (type: ActorType, filter: Parameters, limit: number) => list(whole, type, filter, limit),
    /** Over all daemons, and over all of these types: their collections stand beside each other, all else is the sum. */
    async stats(...types: readonly ActorType[]): Promise<Stats> {
      const all: Stats[] = [];
      for (const type of types) all.push(await whole.stats(type));
      return joinStats(all);
    },
    quarantined: whole.quarantined,
    /** @returns undefined when it is not quarantined. */
    quarantine: (type: ActorType, actorId: string) => find<QuarantineDetail>(type, "quarantine.show", actorId),
    /** Ends a quarantine. @returns undefined when it is not quarantined. */
    release: (type: ActorType, actorId: string) => find<Released>(type, "quarantine.release", actorId),
    /** The types there are, to look at their actors: their rules throw. */
    types: async () => (await asking.types()).map(typeOf),
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
