import type { Lane } from "../wire/lanes.ts";
import type { Journal } from "./journal.ts";

/**
 * Running counts of one batch, by lane and name: `state:<state>`, `standing:<decisionType>`, `completeness:<percent>`,
 * `quarantined`, `retired` (actors now); `events:<outcome>`, `decisions:<decisionType>`, `decisions:revised`,
 * `dead:<reason>` (ever).
 */
export interface Tallies {
  /** @param value - of a group's: kept apart, as to put the two together takes longer than to count. */
  add(lane: Lane, name: string, delta: number, value?: string): void;
  /** One actor leaves one value of a group for another; undefined or null is no value. */
  move(lane: Lane, group: string, from: string | null | undefined, to: string | null): void;
  save(journal: Journal): void;
}

/** Counts in memory, to be written once per batch. */
export function createTallies(): Tallies {
  const deltas = new Map<Lane, Map<string, Map<string, number>>>();
  function add(lane: Lane, name: string, delta: number, value = ""): void {
    const counts = inside(inside(deltas, lane), name);
    counts.set(value, (counts.get(value) ?? 0) + delta);
  }
  return {
    add,
    move(lane, group, from, to) {
      if (from === to) return;
      if (from !== null && from !== undefined) add(lane, group, -1, from);
      if (to !== null) add(lane, group, 1, to);
    },
    save(journal) {
      for (const [lane, counts] of deltas) {
        for (const [name, values] of counts) {
          for (const [value, delta] of values) {
            if (delta !== 0) journal.addTally(lane, value === "" ? name : `${name}:${value}`, delta);
          }
        }
      }
    },
  };
}

/** @returns the map in a map; an empty one when there was none. */
export function inside<Key, Name, Value>(maps: Map<Key, Map<Name, Value>>, key: Key): Map<Name, Value> {
  const known = maps.get(key);
  if (known !== undefined) return known;
  const made = new Map<Name, Value>();
  maps.set(key, made);
  return made;
}

/** A completeness as its tally names it: at most 101 of them, whatever an actor type answers. */
export function wholePercent(completeness: number): string {
  return String(Math.round(completeness));
}
