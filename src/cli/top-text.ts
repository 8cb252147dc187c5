import type { ActorType } from "../actor/actor-type.ts";
import { readPast } from "../answers/find-actor.ts";
import type { ActorCounts, Counts, Stats } from "../answers/queries.ts";
import { describePast } from "./actors-text.ts";
import { pairs, table } from "./output.ts";
import { describeActors, describeCounts, renderStates } from "./states-text.ts";

/** What `natstate top` knows at one moment. */
export interface Snapshot {
  /** RFC 3339 in UTC. */
  readonly at: string;
  readonly stats: Stats;
  /** Since the snapshot before, each second. */
  readonly perSecond: { readonly events: number; readonly decisions: number; readonly deadLetters: number };
  /** Null when this user may not ask for it. */
  readonly lag: number | null;
  readonly decisions: readonly SeenDecision[];
}

export interface SeenDecision {
  readonly publishedAt: string;
  readonly actorId: string;
  readonly revision: number;
  readonly content: string;
}

/** One line, for a pipe. */
export function renderLine(types: readonly ActorType[], { at, stats, perSecond, lag }: Snapshot): string {
  return [
    at,
    `${perSecond.events} events/s`,
    `${perSecond.decisions} decisions/s`,
    `lag ${lag ?? "unknown"}`,
    `dead letters ${sum(stats.deadLetters.byReason)}`,
    `quarantined ${stats.quarantined}`,
    ...types.map((type) => describeActors(type, stats)),
    ...saidOfPast(stats),
  ].join("  ");
}

/** A screen of it; `decisions` that do not fit are left out. */
export function renderScreen(
  types: readonly ActorType[],
  { at, stats, perSecond, lag, decisions }: Snapshot,
  { where, rows }: { readonly where: string; readonly rows: number },
): string[] {
  const dead = sum(stats.deadLetters.byReason);
  const top = [
    `natstate top  ${at}  ${where}`,
    ...saidOfPast(stats),
    "",
    ...pairs([
      ["events/s", String(perSecond.events)],
      ["decisions/s", `${perSecond.decisions}  (${stats.decisions.revised} ever revised another)`],
      [
        "lag",
        lag === null ? "unknown: NATS does not answer, or this user may not ask" : `${lag} messages not yet applied`,
      ],
      ["dead letters", dead === 0 ? "0" : `${dead}: ${describeCounts(stats.deadLetters.byReason)}`],
      ["quarantined", String(stats.quarantined)],
    ]),
    "",
    ...types.flatMap((type) => [...renderStates(type.collection, stats[type.collection] as ActorCounts), ""]),
  ];
  const room = Math.max(0, rows - top.length - 4);
  const shown = decisions.slice(0, room).map((d) => [d.publishedAt, d.actorId, d.revision, d.content]);
  const none = sum(stats.decisions.byType) === 0 ? "no decisions yet" : "no decision lately";
  if (decisions.length === 0) return [...top, `${none}, Ctrl-C ends`];
  const [one, ...others] = types;
  const id = one === undefined || others.length > 0 ? "id" : one.idField;
  return [...top, ...table(["published at", id, "revision", "decision"], shown)];
}

/** Lag does not say it: what nobody reads may have nothing unread. */
function saidOfPast(stats: Stats): string[] {
  const past = readPast(stats);
  return past === undefined ? [] : [describePast(past)];
}

export function sum(counts: Counts): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
