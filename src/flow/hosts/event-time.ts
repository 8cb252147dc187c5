import { crc32 } from "node:zlib";
import type { AnyStateNode } from "xstate";
import { showToRules } from "../../actor/actor-snapshot.ts";
import type { ActorSnapshot, ActorType } from "../../actor/actor-type.ts";
import type { Grounds } from "../../actor/conclude.ts";
import { stateText } from "../../actor/state-text.ts";
import { nameDelay } from "./describe.ts";
import type { Actor } from "./fold.ts";
import { createGrounding } from "./grounds.ts";
import { horizonOf, isBefore, moveHorizon } from "./horizon.ts";
import type { Effect, FoldStep, LiveActor } from "./live-actor.ts";
import { type Retold, retell } from "./retell.ts";
import { settleBefore } from "./settled-past.ts";
import { createStatechart, type Moment, type Statechart } from "./statechart.ts";
import {
  reviveTimeline,
  type StoredAnchor,
  type StoredTimeline,
  storeAnchors,
  storeTimeline,
} from "./stored-timeline.ts";
import { type Heard, hear, pass, type Timeline } from "./timeline.ts";
import { nextDue, waitsOf } from "./waits.ts";

/** Delays between two facts, and after the last: more are taken for states that wait for each other for ever. */
const MAX_DELAYS = 1000;
/** So few facts are folded again from the first sooner than anchors are read. */
export const FEW_FACTS = 32;
/** Facts that may be folded anew although they are of before the horizon: to settle them costs a look at all. */
const MANY_FACTS = 512;
/** Anchors are written again when there are so many times the facts there were. */
const GROWN = 1.25;

/** When the initial state is looked at before anything has happened. */
const NO_TIME = "1970-01-01T00:00:00.000Z";

/** Starts an actor of which nothing is known. @throws when its machine does not start. */
export function startByEventTime(type: ActorType, actorId: string): LiveActor {
  return live(type, actorId, {});
}

/** @param stored - a `StoredTimeline`, as far as anybody knows. @returns undefined when the machine does not know it. */
export function restoreByEventTime(
  type: ActorType,
  actorId: string,
  stored: object,
  anchors: string | null,
): LiveActor | undefined {
  const kept = anchors === null ? [] : (JSON.parse(anchors) as StoredAnchor[]);
  const timeline = reviveTimeline(type.machine, stored as StoredTimeline, kept);
  const { newest, grounds } = stored as Beside;
  return timeline && live(type, actorId, { timeline, newest, grounds, anchored: kept.at(-1)?.count ?? 0 });
}

/** What is stored beside a timeline of a type that bounds how late facts may be. */
interface Beside {
  /** See `Horizon`. */
  readonly newest?: string | undefined;
  /** Of the timeline's base. */
  readonly grounds?: Grounds | undefined;
}

/** What an actor is revived from. */
interface Known extends Beside {
  readonly timeline?: Timeline;
  /** Facts there were when anchors were written. */
  readonly anchored?: number;
}

function live(type: ActorType, id: string, { timeline: known, newest, grounds, anchored = 0 }: Known): LiveActor {
  const actor: Actor = { chart: chartOf(type), id, maxDelays: MAX_DELAYS };
  const { root } = type.machine;
  const base = known?.base;
  const grounding = createGrounding(type, actor, base && grounds && { base, grounds });
  let settled = grounds;
  let timeline = known;
  let before = known;
  const { latenessMs } = type;
  let horizon = latenessMs === undefined || newest === undefined ? undefined : horizonOf(latenessMs, newest);
  /** Facts there were when anchors were written last. */
  let written = anchored;
  const initial = known?.end === undefined ? actor.chart.begin(id, NO_TIME) : undefined;
  let shown: { readonly moment: Moment; readonly snapshot: ActorSnapshot; readonly state: string } | undefined;
  /** The same object for as long as nothing has changed. */
  const show = () => {
    const moment = (timeline?.end?.now.moment ?? initial) as Moment;
    if (shown?.moment !== moment) {
      const { snapshot } = moment;
      shown = { moment, snapshot: showToRules(snapshot), state: stateText(root, snapshot.value) };
    }
    return shown;
  };
  return {
    send(event, past) {
      before = timeline;
      grounding.forgetAfter(event);
      const { timeline: next, heard } = hear(actor, timeline, event, past);
      timeline = next;
      return effectOf(heard);
    },
    isTooLate: (event) => isBefore(horizon, event),
    settle(event, storedAtMs, past) {
      if (latenessMs === undefined || timeline === undefined) return;
      horizon = moveHorizon(latenessMs, horizon, event, storedAtMs);
      if (timeline.count - (timeline.base?.count ?? 0) < MANY_FACTS) return;
      const { base } = timeline;
      timeline = settleBefore(timeline, horizon.at, past);
      if (timeline.base !== undefined && timeline.base !== base) settled = grounding.settle(timeline.base, past);
    },
    pass(time) {
      if (timeline !== undefined) timeline = pass(actor, timeline, time);
    },
    fault: () => timeline?.fault,
    rewind() {
      grounding.forget();
      timeline = before;
    },
    snapshot: () => show().snapshot,
    state: () => show().state,
    due: () => (timeline === undefined ? null : nextDue(timeline)),
    waits: () => (timeline === undefined ? [] : waitsOf(type.machine, timeline)),
    grounds: (past) => grounding.ground(timeline, past),
    fold: (past) =>
      timeline === undefined ? [] : [...retell(actor, timeline, past())].map((step) => foldStep(root, step)),
    persist() {
      const newest = horizon?.newest;
      const json = JSON.stringify(
        timeline === undefined ? {} : { ...storeTimeline(timeline), newest, grounds: settled },
      );
      return { snapshot: json, checksum: crc32(json), machineVersion: type.version };
    },
    anchors() {
      if (timeline === undefined || timeline.count < Math.max(FEW_FACTS, written * GROWN)) return null;
      written = timeline.count;
      return JSON.stringify(storeAnchors(timeline));
    },
  };
}

function foldStep(root: AnyStateNode, { kind, event, at, isHandled, moment }: Retold): FoldStep {
  const what =
    kind === "fact" ? { what: event.type, eventId: event.eventId } : { what: nameDelay(event.type), eventId: null };
  return { ...what, at, isHandled, state: stateText(root, moment.snapshot.value) };
}

function effectOf(heard: Heard): Effect {
  switch (heard.kind) {
    case "applied":
    case "unhandled":
      return { kind: heard.kind };
    case "reordered":
      return { kind: heard.kind, replayed: heard.replayed };
    case "fault":
      return { kind: "held", error: new Error(heard.message, { cause: heard.fault }) };
    default:
      return heard satisfies never;
  }
}

const CHARTS = new WeakMap<ActorType, Statechart>();

function chartOf(type: ActorType): Statechart {
  const chart = CHARTS.get(type) ?? createStatechart(type.machine);
  CHARTS.set(type, chart);
  return chart;
}
