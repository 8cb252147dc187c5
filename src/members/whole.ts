import type { ActorType } from "../actor/actor-type.ts";
import type { DeadLetter, DeadLetterPage } from "../answers/dead-letters.ts";
import { joinPasts, type Past } from "../answers/find-actor.ts";
import { joinDeadLetters, joinLists, joinQuarantined, joinStats } from "../answers/joined-answers.ts";
import { joinPulses, type Pulse } from "../answers/pulse.ts";
import type { QuarantineEntry, QuarantinePage } from "../answers/quarantine.ts";
import type { ActorPage, Stats } from "../answers/queries.ts";
import { QueryError } from "../answers/query-error.ts";
import { isRefused, type Parameters, readDeadLetterFilter, readListFilter } from "../answers/query-filters.ts";
import type { Asking } from "./asking.ts";

/** All daemons as one: each answers for its own partitions, and what they answer is joined. Rejects as `Asking` does. */
export type Whole = ReturnType<typeof createWhole>;

export interface FoundLetter {
  readonly deadLetter: DeadLetter | undefined;
  /** Set when one that is not found may come yet. */
  readonly past: Past | undefined;
}

export interface QuarantineList {
  /** By id. */
  readonly entries: readonly QuarantineEntry[];
  /** Set when there may be more: one of the daemons has not read all of what it answers for. */
  readonly past?: Past | undefined;
}

/** Before the next pulse is asked for. */
const PULSE_MS = 900;

export function createWhole({ owner, all, some }: Asking) {
  const quarantinePage = async (type: ActorType, parameters: Parameters) =>
    joinQuarantined(type, (await all(type, "quarantine.list", parameters)) as QuarantinePage[]);
  return {
    owner,
    /** The first quarantined actors by id. @param parameters - as `readQuarantineFilter` takes them. */
    quarantinePage,
    /** @param parameters - as `readListFilter` takes them. */
    async list(type: ActorType, parameters: Parameters): Promise<ActorPage> {
      const filter = checked(readListFilter(type, parameters));
      return joinLists(type, filter, (await all(type, "list", parameters)) as ActorPage[]);
    },
    stats: async (type: ActorType) => joinStats((await all(type, "stats")) as Stats[]),
    /** What there is within a second, and which partitions it lacks; undefined when nobody answers. */
    async pulse(type: ActorType): Promise<Pulse | undefined> {
      const { answers, missing } = await some(type, "pulse", PULSE_MS);
      return answers.length === 0 ? undefined : joinPulses(type, answers as Pulse[], missing);
    },
    /** @param parameters - as `readDeadLetterFilter` takes them. */
    async deadLetters(type: ActorType, parameters: Parameters): Promise<DeadLetterPage> {
      const { limit } = checked(readDeadLetterFilter(parameters));
      return joinDeadLetters((await all(type, "dead-letters.list", parameters)) as DeadLetterPage[], limit);
    },
    /** @param sequence - in the type's stream. */
    async deadLetter(type: ActorType, sequence: number): Promise<FoundLetter> {
      const told = (await all(type, "dead-letters.show", { sequence })) as { deadLetter: DeadLetter | null }[];
      const deadLetter = told.find((each) => each.deadLetter !== null)?.deadLetter ?? undefined;
      return { deadLetter, past: joinPasts(told) };
    },
    /** Every quarantined actor. */
    async quarantined(type: ActorType): Promise<QuarantineList> {
      const entries: QuarantineEntry[] = [];
      const pages: QuarantinePage[] = [];
      do {
        const page = await quarantinePage(type, { after: entries.at(-1)?.[type.idField] });
        pages.push(page);
        entries.push(...(page[type.collection] as readonly QuarantineEntry[]));
      } while (pages.at(-1)?.more);
      return { entries, past: joinPasts(pages) };
    },
  };
}

function checked<Filter extends object>(filter: Filter | { readonly problem: string }): Filter {
  if (isRefused(filter)) throw new QueryError("refused", filter.problem);
  return filter;
}
