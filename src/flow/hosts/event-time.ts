import { crc32 } from "node:zlib";
import { showToRules } from "../../actor/actor-snapshot.ts";
import type { ActorEvent, ActorSnapshot, ActorType, Conclusion } from "../../actor/actor-type.ts";
import type { Grounds } from "../../actor/conclude.ts";
import { stateText } from "../../actor/state-text.ts";
import { type Ahead, createAhead } from "./ahead.ts";
import { nameDelay } from "./describe.ts";
import type { Actor } from "./fold.ts";
import { createGrounding, type Remembered } from "./grounds.ts";
import { type Horizon, horizonOf, isBefore, moveHorizon } from "./horizon.ts";
import type { FoldStep, LiveActor } from "./live-actor.ts";
import { retell } from "./retell.ts";
import { openRowAnchors, type RowAnchors } from "./row-anchors.ts";
import { createStatechart, type Moment, type Statechart } from "./statechart.ts";
import { reviveTimeline, type StoredTimeline, storeTimeline } from "./stored-timeline.ts";
import { hear, pass, settleBefore, type Timeline, weigh } from "./timeline.ts";
import { nextDue, waitsOf } from "./waits.ts";

const MAX_DELAYS = 1000;
/** Facts that may be folded anew although they are of before the horizon: to settle them costs a look at all. */
const MANY_FACTS = 512;
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
  const beside = stored as Beside;
  const rowAnchors = openRowAnchors(anchors, beside.anchorsChecksum);
  const timeline = reviveTimeline(type.machine, stored as StoredTimeline, rowAnchors.stored);
  return timeline && live(type, actorId, { ...beside, timeline, rowAnchors });
}

/** What is stored beside a timeline: its horizon, but for `at` where that follows from the rest. */
interface Beside extends Partial<Horizon> {
  /** Of the timeline's base. */
  readonly grounds?: Grounds | undefined;
  /** Of its last fact; absent where they are long, or were not known. */
  readonly lastGrounds?: Grounds | undefined;
  /** CRC-32 of the anchors as they were written last, in a row of their own; absent when none were. */
  readonly anchorsChecksum?: number | undefined;
}

/** What an actor is revived from. */
interface Known extends Beside {
  readonly timeline?: Timeline;
  readonly rowAnchors?: RowAnchors;
}

function live(type: ActorType, id: string, from: Known): LiveActor {
  const { timeline: known, grounds, lastGrounds: _last, rowAnchors = openRowAnchors(null), ...beside } = from;
  const actor: Actor = { chart: chartOf(type), id, maxDelays: type.maxDelays ?? MAX_DELAYS };
  /** Few actors hear what is folded bit by bit. */
  let ahead: Ahead | undefined;
  const view = createView(type);
  const grounding = createGrounding(view.contentAt, actor, rememberedOf(from));
  let settled = grounds;
  let timeline = known;
  let before = known;
  let horizon = reviveHorizon(type, beside);
  const initial = known?.end === undefined ? actor.chart.begin(id, NO_TIME) : undefined;
  /** The same object for as long as nothing has changed. */
  const show = () => view.show((timeline?.end?.now.moment ?? initial) as Moment);
  /** What JSON keeps of an actor. */
  const store = (known: Timeline): StoredTimeline & Beside => ({
    ...storeTimeline(known),
    newest: horizon?.newest,
    at: horizon?.movesAt === undefined ? undefined : horizon.at,
    movesAt: horizon?.movesAt,
    grounds: settled,
    lastGrounds: known.end && known.fault === undefined ? grounding.rest(known.end.last) : undefined,
    anchorsChecksum: rowAnchors.checksum(),
  });
  return {
    weigh: (event) => (timeline === undefined ? 0 : weigh(timeline, event)),
    prepare(event, past) {
      ahead ??= createAhead(actor);
      return ahead.prepare(timeline, event, past);
    },
    send(event, past) {
      before = timeline;
      const outcome = ahead?.hear(timeline, event, past) ?? hear(actor, timeline, event, past);
      const { timeline: next, heard, acted } = outcome;
      grounding.follow(event, acted);
      timeline = next;
      rowAnchors.follow(heard, acted);
      return heard;
    },
    isTooLate: (event) => isBefore(horizon, event),
    settle({ timestamp }, storedAtMs, past) {
      ahead?.forget();
      if (timeline === undefined) return;
      const moved = moveHorizon(type, horizon, { timestamp, storedAtMs, count: timeline.count, past });
      if (moved !== undefined && timeline.count - (timeline.base?.count ?? 0) >= MANY_FACTS) {
        const next = settleBefore(timeline, moved.at, past);
        if (next.base !== undefined && next.base !== timeline.base) settled = grounding.settle(next.base, past);
        timeline = next;
      }
      horizon = moved;
    },
    base: () => timeline?.base?.place,
    pass(time) {
      if (timeline !== undefined) timeline = pass(actor, timeline, time);
    },
    fault: () => timeline?.fault,
    rewind() {
      grounding.rewind();
      timeline = before;
    },
    snapshot: () => show().snapshot,
    conclude: () => conclusionOf(type, show()),
    state: () => show().state,
    due: () => (timeline === undefined ? null : nextDue(timeline)),
    waits: () => (timeline === undefined ? [] : waitsOf(type.machine, timeline)),
    grounds: (past) => grounding.ground(timeline, past),
    fold: (past) => (timeline === undefined ? [] : tellSteps(actor, timeline, past())),
    persist() {
      const json = JSON.stringify(timeline === undefined ? {} : store(timeline));
      return { snapshot: json, checksum: crc32(json), machineVersion: type.version };
    },
    anchors: () => (timeline === undefined ? null : rowAnchors.write(timeline)),
  };
}

interface Shown {
  readonly moment: Moment;
  readonly snapshot: ActorSnapshot;
  readonly state: string;
  /** Undefined until its rule was asked. */
  said: { readonly conclusion: Conclusion } | undefined;
}

interface View {
  /** What the rules see of a moment, made once for as long as it is asked for the same. */
  show(moment: Moment): Shown;
  /** What the rule says of a moment, which may be over. @throws what the rule throws. */
  contentAt(moment: Moment): unknown;
}

function createView(type: ActorType): View {
  const { root } = type.machine;
  let shown: Shown | undefined;
  return {
    show(moment) {
      if (shown?.moment !== moment) {
        const { snapshot } = moment;
        const { value } = snapshot;
        const state =
          shown !== undefined && shown.moment.snapshot.value === value ? shown.state : stateText(root, value);
        shown = { moment, snapshot: showToRules(snapshot), state, said: undefined };
      }
      return shown;
    },
    contentAt(moment) {
      const isShown = shown?.moment === moment;
      return (isShown ? conclusionOf(type, shown as Shown) : type.conclude(showToRules(moment.snapshot))).content;
    },
  };
}

function conclusionOf(type: ActorType, shown: Shown): Conclusion {
  shown.said ??= { conclusion: type.conclude(shown.snapshot) };
  return shown.said.conclusion;
}

function rememberedOf({ timeline, grounds, lastGrounds }: Known): Remembered | undefined {
  if (timeline === undefined) return undefined;
  const { base, end, latest } = timeline;
  return {
    settled: base && grounds && { base, grounds },
    last: end && lastGrounds && { base: { place: latest, moment: end.last }, grounds: lastGrounds },
  };
}

function reviveHorizon({ latenessMs }: ActorType, { newest, at, movesAt }: Beside): Horizon | undefined {
  if (latenessMs !== undefined) return newest === undefined ? undefined : horizonOf(latenessMs, newest);
  return at === undefined ? undefined : { at, movesAt };
}

function tellSteps(actor: Actor, timeline: Timeline, facts: readonly ActorEvent[]): FoldStep[] {
  const steps: FoldStep[] = [];
  retell(actor, timeline, facts, ({ kind, event, at, isHandled, moment: { snapshot } }) => {
    const [what, eventId] = kind === "fact" ? [event.type, event.eventId] : [nameDelay(event.type), null];
    steps.push({ what, eventId, at, isHandled, state: stateText(snapshot.machine.root, snapshot.value) });
  });
  return steps;
}

const CHARTS = new WeakMap<ActorType, Statechart>();

function chartOf(type: ActorType): Statechart {
  const chart = CHARTS.get(type) ?? createStatechart(type.machine);
  CHARTS.set(type, chart);
  return chart;
}
