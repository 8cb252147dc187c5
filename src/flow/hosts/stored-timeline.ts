import type { AnyStateMachine } from "xstate";
import { type Anchor, IN_A_ROW, thin } from "./anchors.ts";
import type { Place } from "./fact-order.ts";
import { FoldFault } from "./fold.ts";
import type { Moment } from "./statechart.ts";
import { checkStates, reviveMoment, type StoredMoment, storeMoment } from "./stored-moment.ts";
import type { Timeline } from "./timeline.ts";

/** An actor's timeline as JSON, without its anchors: what the next fact needs when it is the latest. */
export interface StoredTimeline {
  readonly count: number;
  readonly latest: Place;
  readonly passed: string | null;
  /** Absent when all facts are kept. */
  readonly base?: StoredAnchor | undefined;
  /** Absent when no fold of it ever ended. */
  readonly end?:
    | {
        readonly last: StoredMoment;
        /** Absent when no delay has fired since. */
        readonly now?: StoredMoment | undefined;
        /** Delays fired since the last fact. */
        readonly delays: number;
      }
    | undefined;
  readonly fault?: { readonly thrower: string; readonly reason: string } | undefined;
}

/** An anchor as JSON. Written seldom: one that later facts have overtaken does no harm. */
export type StoredAnchor = Pick<Anchor, "count" | "place"> & { readonly moment: StoredMoment };

/** @returns what revives the actor without its facts. */
export function storeTimeline({ count, latest, passed, base, end, fault }: Timeline): StoredTimeline {
  return {
    count,
    latest,
    passed,
    base: base && storeAnchor(base),
    end: end && {
      last: storeMoment(end.last),
      now: end.now.moment === end.last ? undefined : storeMoment(end.now.moment),
      delays: end.now.delays,
    },
    fault: fault && { thrower: fault.thrower, reason: fault.reason },
  };
}

/**
 * What two stored snapshots of one actor have to agree in. By event time they may differ in what no fact decides: how far
 * time was known to have passed when nothing came of it, what was settled, which anchors were kept, and where a fold ended
 * before its fault.
 *
 * @param snapshot - JSON's, of either ordering.
 */
export function comparable(snapshot: object): object {
  if (!("latest" in snapshot && "passed" in snapshot)) return snapshot;
  const {
    passed: _passed,
    base: _base,
    grounds: _grounds,
    lastGrounds: _last,
    anchorsChecksum: _anchors,
    end,
    ...rest
  } = snapshot as StoredTimeline & Readonly<Partial<Record<"grounds" | "lastGrounds" | "anchorsChecksum", unknown>>>;
  return rest.fault === undefined ? { ...rest, end } : rest;
}

/** @returns the anchors worth a row: about as many as doublings of the number of facts. */
export function storeAnchors({ anchors }: Timeline): StoredAnchor[] {
  return thin(anchors, IN_A_ROW).map(storeAnchor);
}

function storeAnchor({ count, place, moment }: Anchor): StoredAnchor {
  return { count, place, moment: storeMoment(moment) };
}

/**
 * Revives a timeline.
 *
 * @param anchors - those of {@link storeAnchors}, of now or of earlier; without them a late fact folds all.
 * @returns undefined when the machine does not know the states: the facts are then folded anew.
 */
export function reviveTimeline(
  machine: AnyStateMachine,
  stored: StoredTimeline,
  anchors: readonly StoredAnchor[],
): Timeline | undefined {
  const { count, latest, passed, base, end, fault } = stored;
  try {
    const last = end && reviveMoment(machine, end.last);
    const now = end?.now === undefined ? last : reviveMoment(machine, end.now);
    return {
      count,
      latest,
      passed,
      fault: fault && new FoldFault(fault.thrower, new Error(fault.reason)),
      end: last && now && end && { last, now: { moment: now, delays: end.delays } },
      base: base && reviveAnchor(machine, base),
      anchors: anchors.map((anchor) => reviveAnchorLater(machine, anchor)),
    };
  } catch {
    return undefined;
  }
}

function reviveAnchor(machine: AnyStateMachine, { count, place, moment }: StoredAnchor): Anchor {
  return { count, place, moment: reviveMoment(machine, moment) };
}

/** Only a late fact looks at anchors: an actor that comes back for its next fact is not kept waiting for them. */
function reviveAnchorLater(machine: AnyStateMachine, { count, place, moment }: StoredAnchor): Anchor {
  checkStates(machine, moment);
  let revived: Moment | undefined;
  return {
    count,
    place,
    get moment() {
      revived ??= reviveMoment(machine, moment);
      return revived;
    },
  };
}
