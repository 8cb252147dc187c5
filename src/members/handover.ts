import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Lane } from "../wire/lanes.ts";

/** What the holder of a lane says to whoever asks for it. `silent`: nothing; `absent`: nobody is there under its id. */
export type Reply = "yielded" | "refused" | "silent" | "absent";

export interface HandoverOptions {
  readonly following: () => readonly Lane[];
  readonly isReading: (lane: Lane) => boolean;
  /** Who is to be asked for a lane; undefined: nobody, it is a standby's. */
  readonly holderOf: (lane: Lane) => string | undefined;
  /** The last sequence of a lane's stream, as its leader says. */
  readonly endOf: (lane: Lane) => Promise<number>;
  /** The lane's first sequence that is not applied, as the stream's leader says; undefined when there is none. */
  readonly firstUnread: (lane: Lane) => Promise<number | undefined>;
  /** Learns what the holder has published for it so far, which takes long at first; a lane asked for stands still. */
  readonly learn: (lane: Lane) => Promise<void>;
  readonly ask: (holder: string, lane: Lane) => Promise<Reply>;
  /** The lane is ours. Resolves when it is read. */
  readonly onYielded: (lane: Lane) => Promise<void>;
  readonly onClose: () => void;
  readonly clock?: Clock;
}

const LOOK_EVERY_MS = 200;
/** One that could not give it now is asked again after so long. */
const AGAIN_MS = 1000;
/** Who answers nothing so often knows nothing of handing over, or is as good as gone: the pin decides. */
const SILENCES = 3;

/**
 * Looks how far followed lanes have come, and asks for those that are to be ours.
 *
 * A copy has caught up when it has all that the stream held at the look before. Lanes are asked for one after the other, so
 * that each stands still for its own hand-over only.
 */
export function createHandover(options: HandoverOptions) {
  const { following, isReading, holderOf, endOf, firstUnread, learn, ask, onYielded, onClose } = options;
  const { clock = SYSTEM_CLOCK } = options;
  const close = new Set<Lane>();
  /** The stream's end when a lane was looked at before. */
  const ends = new Map<Lane, number>();
  const silences = new Map<Lane, number>();
  const notBeforeMs = new Map<Lane, number>();
  let cancel: (() => void) | undefined;
  let isLooking = false;
  let isStopped = false;

  const isDue = (lane: Lane) => !close.has(lane) || holderOf(lane) !== undefined;

  async function look(): Promise<void> {
    const lanes = following();
    for (const lane of [...close, ...ends.keys()]) if (!lanes.includes(lane)) forget(lane);
    // What could not be asked is asked at the next look.
    for (const lane of lanes) if (isDue(lane) && isReading(lane)) await lookAt(lane).catch(() => {});
  }

  async function lookAt(lane: Lane): Promise<void> {
    const before = ends.get(lane);
    ends.set(lane, await endOf(lane));
    if (before === undefined) return;
    if (!(await hasAllTo(before, lane)) || isStopped) return;
    if (!close.has(lane)) {
      close.add(lane);
      onClose();
    }
    await askFor(lane);
  }

  async function hasAllTo(end: number, lane: Lane): Promise<boolean> {
    const unread = await firstUnread(lane);
    return unread === undefined || unread > end;
  }

  async function askFor(lane: Lane): Promise<void> {
    const holder = holderOf(lane);
    if (holder === undefined || clock.now() < (notBeforeMs.get(lane) ?? 0)) return;
    const end = ends.get(lane) ?? 0;
    await learn(lane);
    // Its copy goes on meanwhile, or falls behind.
    if (!(await hasAllTo(end, lane)) || isStopped || holderOf(lane) !== holder) return;
    const reply = await ask(holder, lane);
    const silent = reply === "silent" ? (silences.get(lane) ?? 0) + 1 : 0;
    silences.set(lane, silent);
    // It may have been given another part meanwhile.
    if (isStopped || holderOf(lane) !== holder) return;
    if (reply === "yielded" || reply === "absent" || silent === SILENCES) await onYielded(lane);
    else notBeforeMs.set(lane, clock.now() + AGAIN_MS);
  }

  function forget(lane: Lane): void {
    close.delete(lane);
    ends.delete(lane);
    silences.delete(lane);
    notBeforeMs.delete(lane);
  }

  function schedule(): void {
    if (isStopped || isLooking || cancel !== undefined || !following().some(isDue)) return;
    cancel = clock.after(LOOK_EVERY_MS, async () => {
      cancel = undefined;
      isLooking = true;
      await look();
      isLooking = false;
      schedule();
    });
  }

  return {
    /** There is something to be looked at, perhaps. */
    stir: schedule,
    /** Followed lanes of which the store is at most a little behind. */
    close: () => [...close],
    stop(): void {
      isStopped = true;
      cancel?.();
    },
  };
}
