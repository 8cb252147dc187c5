import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import type { Counts, Queries } from "../answers/queries.ts";
import { REJECTION_REASONS } from "../wire/rejection.ts";

interface Tally {
  readonly name: string;
  readonly value: number;
}

/** Adds up the running counts of `flow/tallies.ts`: a few hundred rows, however many actors there are. */
export function createStatsQuery(db: Database.Database): Queries["stats"] {
  const selectTallies = db.prepare(`SELECT name, sum(value) AS value FROM tallies
    WHERE type = :type AND (:partitions IS NULL OR partition IN (SELECT value FROM json_each(:partitions)))
    GROUP BY name`);

  return (type: ActorType, partitions?: readonly number[]) => {
    const tallies = selectTallies.all({
      type: type.name,
      partitions: partitions === undefined ? null : JSON.stringify(partitions),
    }) as Tally[];
    const { applied = 0, superseded = 0, duplicate = 0, conflict = 0, parked = 0 } = groupOf(tallies, "events", []);
    const { revised = 0, ...decided } = groupOf(tallies, "decisions", type.decisionTypes);
    const countOf = (name: string) => tallies.find((tally) => tally.name === name)?.value ?? 0;
    const standing = type.decisionTypes.filter((name) => name !== type.withdrawn);
    const byState = groupOf(tallies, "state", type.states);
    return {
      [type.collection]: { total: Object.values(byState).reduce((sum, count) => sum + count, 0), byState },
      standing: { byType: groupOf(tallies, "standing", standing) },
      completeness: { byPercent: groupOf(tallies, "completeness", []) },
      events: { applied, superseded, duplicate, conflict, parked },
      quarantined: countOf("quarantined"),
      retired: countOf("retired"),
      decisions: { byType: decided, revised },
      deadLetters: { byReason: groupOf(tallies, "dead", REJECTION_REASONS) },
    };
  };
}

/** The counts of one group, without its prefix; each of `names` is there, also at 0, and in their order. */
function groupOf(tallies: readonly Tally[], group: string, names: readonly string[]): Counts {
  const prefix = `${group}:`;
  const counts = Object.fromEntries(names.map((name) => [name, 0]));
  for (const { name, value } of tallies) if (name.startsWith(prefix)) counts[name.slice(prefix.length)] = value;
  return counts;
}
