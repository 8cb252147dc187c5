import type { Lane } from "../wire/lanes.ts";
import type { Journal } from "./journal.ts";

/**
 * Running counts of one batch, by lane and name: `state:<state>`, `standing:<decisionType>`, `completeness:<percent>`,
 * `quarantined`, `retired` (actors now); `events:<outcome>`, `decisions:<decisionType>`, `decisions:revised`,
 * `dead:<reason>` (ever).
 */
export interface Tallies {
  add(lane: Lane, name: string, delta: number): void;
  /** One actor leaves one value of a group for another; undefined or null is no value. */
  move(lane: Lane, group: string, from: string | null | undefined, to: string | null): void;
  save(journal: Journal): void;
}

/** Counts in memory, to be written once per batch. */
export function createTallies(): Tallies {
  const deltas = new Map<Lane, Map<string, number>>();
  function add(lane: Lane, name: string, delta: number): void {
    const counts = deltas.get(lane) ?? new Map<string, number>();
    counts.set(name, (counts.get(name) ?? 0) + delta);
    deltas.set(lane, counts);
  }
  return {
    add,
    move(lane, group, from, to) {
      if (from === to) return;
      if (from !== null && from !== undefined) add(lane, `${group}:${from}`, -1);
      if (to !== null) add(lane, `${group}:${to}`, 1);
    },
    save(journal) {
      for (const [lane, counts] of deltas) {
        for (const [name, delta] of counts) if (delta !== 0) journal.addTally(lane, name, delta);
      }
    },
  };
}

/** A completeness as its tally names it: at most 101 of them, whatever an actor type answers. */
export function wholePercent(completeness: number): string {
  return String(Math.round(completeness));
}
