import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Delivered } from "./delivery-audit.ts";
import type { LaneReader } from "./lane-reader.ts";
import type { Doubt } from "./lane-session.ts";
import { assignLanes, type Member } from "./membership.ts";
import type { OwnLanes } from "./own-lanes.ts";

/** Keeps the lanes that are read in step with the lanes that are ours. */
export interface Ownership {
  /** Assigned lanes whose deliveries arrive. */
  reading(): readonly Lane[];
  /** Takes and releases what the present members imply. Calls never overlap. @param ownId - which of them we are. */
  rebalance(members: readonly Member[], ownId: string): Promise<void>;
  /** See `LaneReader`. */
  audit(lane: Lane, delivered: Delivered): void;
  /** See `LaneReader`. */
  isCaughtUp(lane: Lane): boolean;
  /** Why lanes cannot be read, see `LaneReader`. */
  troubles(): readonly { readonly lane: Lane; readonly reason: string }[];
  /** Starts a lane over from its checkpoint. */
  doubt(lane: Lane, reason: Doubt, detail: string): void;
  /** Starts every lane over from its checkpoint. */
  doubtAll(reason: "connection"): void;
  /** Reads no more; lanes can be taken by others at once. */
  releaseAll(): Promise<void>;
}

export interface OwnershipOptions {
  readonly lanes: readonly Lane[];
  /** Told which are ours. */
  readonly own: OwnLanes;
  /** Makes lanes ready to be read: identity checked, outbox known, what is due published. Rejects to be tried again. */
  readonly prepare: (lanes: readonly Lane[]) => Promise<void>;
  readonly open: (lane: Lane) => LaneReader;
  /** For the log: lanes that are read from now on, or are no longer ours. */
  readonly onMoved: (how: "taken" | "released", lanes: readonly Lane[]) => void;
  /** The lane is no longer ours; forget what is in memory of it. */
  readonly onReleased: (lane: Lane) => void;
  /**
   * Preparing failed; it is tried again unless this says it never will succeed.
   *
   * @param readsOthers - there are lanes that are read all the same.
   */
  readonly onTrouble: (error: Error, readsOthers: boolean) => "retry" | "give_up";
  readonly clock?: Clock;
}

const RETRY_MS = 1000;

/** Takes and releases lanes as members come and go. */
export function createOwnership(options: OwnershipOptions): Ownership {
  const { lanes, own, prepare, open, onMoved, onReleased, onTrouble, clock = SYSTEM_CLOCK } = options;
  const readers = new Map<Lane, LaneReader>();
  let running: Promise<void> = Promise.resolve();
  /** As told last: a retry must not bring back members of before. */
  let latest: { readonly members: readonly Member[]; readonly ownId: string } = { members: [], ownId: "" };
  let stopped = false;

  async function apply(): Promise<void> {
    const owners = assignLanes(lanes, latest.members);
    const assigned = lanes.filter((lane) => owners.get(lane) === latest.ownId);
    own.assign(assigned);
    const released = [...readers].filter(([lane]) => !assigned.includes(lane));
    for (const [lane, reader] of released) {
      readers.delete(lane);
      own.take([...readers.keys()]);
      await reader.release();
      onReleased(lane);
    }
    if (released.length > 0) {
      onMoved(
        "released",
        released.map(([lane]) => lane),
      );
    }
    const missing = assigned.filter((lane) => !readers.has(lane));
    if (missing.length === 0 || stopped) return;
    try {
      await prepare(missing);
    } catch (error) {
      if (stopped || onTrouble(error as Error, readers.size > 0) === "give_up") return;
      clock.after(RETRY_MS, () => void rebalance(latest.members, latest.ownId));
      return;
    }
    if (stopped) return;
    for (const lane of missing) readers.set(lane, open(lane));
    own.take([...readers.keys()]);
    onMoved("taken", missing);
  }

  function rebalance(members: readonly Member[], ownId: string): Promise<void> {
    latest = { members, ownId };
    running = running.then(() => (stopped ? undefined : apply()));
    return running;
  }

  return {
    reading: () => [...readers.values()].filter((reader) => reader.isReading()).map((reader) => reader.lane),
    rebalance,
    audit: (lane, delivered) => readers.get(lane)?.audit(delivered),
    isCaughtUp: (lane) => readers.get(lane)?.isCaughtUp() ?? false,
    troubles: () =>
      [...readers].flatMap(([lane, reader]) => {
        const reason = reader.trouble();
        return reason === undefined ? [] : [{ lane, reason }];
      }),
    doubt: (lane, reason, detail) => readers.get(lane)?.doubt(reason, detail),
    doubtAll(reason) {
      for (const reader of readers.values()) reader.doubt(reason);
    },
    async releaseAll() {
      stopped = true;
      await running;
      await Promise.all([...readers.values()].map((reader) => reader.release()));
      readers.clear();
      own.take([]);
    },
  };
}
