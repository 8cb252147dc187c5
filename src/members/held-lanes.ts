import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import { type TellSlow, timeSteps } from "../flow/step-times.ts";
import type { Delivered } from "../jetstream/delivery-audit.ts";
import type { LaneReader } from "../jetstream/lane-reader.ts";
import type { Lane } from "../wire/lanes.ts";
import type { OwnLanes } from "./own-lanes.ts";

export interface HeldLanesOptions {
  /** Told which are taken. */
  readonly own: Pick<OwnLanes, "take">;
  /** Makes lanes ready to be read: identity checked, outbox known, what is due published. Rejects to be tried again. */
  readonly prepare: (lanes: readonly Lane[]) => Promise<void>;
  readonly open: (lane: Lane) => LaneReader;
  /** For the log: lanes that are read from now on, or are no longer ours. */
  readonly onMoved: (how: "taken" | "released", lanes: readonly Lane[]) => void;
  /** Nothing of it arrives any more: resolves when what it has led to is published, or after a short while. */
  readonly settle: (lane: Lane) => Promise<void>;
  /** The lane is no longer ours; forget what is in memory of it. */
  readonly onReleased: (lane: Lane) => void;
  /**
   * Preparing failed; it is tried again unless this says it never will succeed.
   *
   * @param readsOthers - there are lanes that are read all the same.
   */
  readonly onTrouble: (error: Error, readsOthers: boolean) => "retry" | "give_up";
  readonly onSlow?: TellSlow<Lane>;
  readonly clock?: Clock;
}

/** Lanes that are read by us as their owner. */
export function createHeldLanes(options: HeldLanesOptions) {
  const { own, prepare, open, onMoved, settle, onReleased, onTrouble } = options;
  const { onSlow = () => {}, clock = SYSTEM_CLOCK } = options;
  const readers = new Map<Lane, LaneReader>();
  let stopped = false;

  async function prepared(lanes: readonly Lane[]): Promise<"ready" | "retry" | "give_up"> {
    try {
      await prepare(lanes);
      return "ready";
    } catch (error) {
      return stopped ? "give_up" : onTrouble(error as Error, readers.size > 0);
    }
  }

  return {
    /** Those whose deliveries arrive. */
    reading: () => [...readers.values()].filter((reader) => reader.isReading()).map((reader) => reader.lane),
    readers: () => [...readers.values()],
    reader: (lane: Lane) => readers.get(lane),
    audit: (lane: Lane, delivered: Delivered) => readers.get(lane)?.audit(delivered),
    elected: (lane: Lane, leader: string) => readers.get(lane)?.elected(leader),
    isCaughtUp: (lane: Lane) => readers.get(lane)?.isCaughtUp() ?? false,
    /** Why lanes cannot be read, see `LaneReader`. */
    troubles: () =>
      [...readers].flatMap(([lane, reader]) => {
        const reason = reader.trouble();
        return reason === undefined ? [] : [{ lane, reason }];
      }),
    /**
     * Makes lanes ready and reads them.
     *
     * @param before - each of them is read only when this has resolved for it.
     * @returns whether it is to be tried again.
     */
    async take(lanes: readonly Lane[], before: (lane: Lane) => Promise<void>): Promise<"done" | "again"> {
      if (lanes.length === 0 || stopped) return "done";
      const steps = timeSteps(clock);
      const outcome = await prepared(lanes);
      steps.ended("prepareMs");
      if (outcome !== "ready") return outcome === "retry" ? "again" : "done";
      for (const lane of lanes) await before(lane);
      steps.ended("endCopyMs");
      const long = steps.ifLong();
      if (long !== undefined) for (const lane of lanes) onSlow(lane, "taken", long);
      if (stopped) return "done";
      for (const lane of lanes) readers.set(lane, open(lane));
      own.take([...readers.keys()]);
      onMoved("taken", lanes);
      return "done";
    },
    /** Reads these no more; what they have led to is published, others may take them. */
    async release(which: (lane: Lane) => boolean): Promise<void> {
      const gone = [...readers.keys()].filter(which);
      for (const lane of gone) {
        const steps = timeSteps(clock);
        const reader = readers.get(lane);
        readers.delete(lane);
        await reader?.release();
        steps.ended("releaseMs");
        await settle(lane);
        steps.ended("settleMs");
        // Not sooner: whoever heard that nobody holds it would take it at once, and what releases it here would unpin them.
        own.take([...readers.keys()]);
        onReleased(lane);
        const long = steps.ifLong();
        if (long !== undefined) onSlow(lane, "released", long);
      }
      if (gone.length > 0) onMoved("released", gone);
    },
    /** Reads none of them any more. What they have led to is published already, or is left. */
    async releaseAtOnce(): Promise<void> {
      await Promise.all([...readers.values()].map((reader) => reader.release()));
      readers.clear();
      own.take([]);
    },
    /** Takes none any more. */
    takeNoMore(): void {
      stopped = true;
    },
  };
}
