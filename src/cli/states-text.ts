import type { ActorType } from "../actor/actor-type.ts";
import { keysOf } from "../actor/state-text.ts";
import type { ActorCounts, Counts, Stats } from "../answers/queries.ts";

/** A state, how many are in it, and the states in it. */
interface CountedState {
  readonly name: string;
  readonly count: number;
  readonly inner: readonly CountedState[];
}

const BAR_WIDTH = 30;

/** `pending 3, confirmed 12`; what is 0 is left out. */
export function describeCounts(counts: Counts): string {
  return describe(Object.entries(counts).map(([name, count]) => ({ name, count, inner: [] })));
}

/** As {@link describeCounts}, states within states in brackets: `draft 3, review 2 (documents 1, fraud 1)`. */
export function describeStates(counts: ActorCounts): string {
  return describe(treeOf(counts));
}

/** `15 orders: pending 3, confirmed 12`. */
export function describeActors({ collection }: ActorType, stats: Stats): string {
  const counts = stats[collection] as ActorCounts;
  return `${counts.total} ${collection}: ${describeStates(counts)}`;
}

/** A line for each state with a bar, states within states indented below the one they are in. */
export function renderStates(collection: string, counts: ActorCounts): string[] {
  const { total } = counts;
  const rows = indent(treeOf(counts), "");
  const width = Math.max(collection.length, ...rows.map(({ name }) => name.length));
  const digits = String(total).length;
  return [
    `${collection.padEnd(width)}  ${total}`,
    ...rows.map(({ name, count }) => {
      const bar = "#".repeat(total === 0 ? 0 : Math.round((BAR_WIDTH * count) / total));
      return `${name.padEnd(width)}  ${String(count).padStart(digits)}  ${bar}`.trimEnd();
    }),
  ];
}

function describe(states: readonly CountedState[]): string {
  const shown = states.filter(({ count }) => count > 0);
  const texts = shown.map(({ name, count, inner }) => {
    return `${name} ${count}${inner.length === 0 ? "" : ` (${describe(inner)})`}`;
  });
  return texts.join(", ") || "none";
}

function indent(states: readonly CountedState[], space: string): Pick<CountedState, "name" | "count">[] {
  return states.flatMap(({ name, count, inner }) => [
    { name: `${space}${name}`, count },
    ...indent(inner, `${space}  `),
  ]);
}

function treeOf({ byState, byPath = byState }: ActorCounts): CountedState[] {
  const below = Map.groupBy(Object.entries(byPath), ([path]) => keysOf(path).slice(0, -1).join(".") || undefined);
  const statesIn = (outer?: string): CountedState[] =>
    (below.get(outer) ?? []).map(([path, count]) => ({
      name: keysOf(path).at(-1) ?? path,
      count,
      inner: statesIn(path),
    }));
  return statesIn();
}
