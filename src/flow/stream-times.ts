import type { Lane } from "../wire/lanes.ts";
import type { Clock } from "./clock.ts";

/**
 * What time it is on the streams, and up to when each lane has been read. Ms since the epoch by the clock of the server that
 * stores messages: no other clock says whether a time has passed.
 */
export interface StreamTimes {
  /** A stream's own time, as its answer said that has just arrived. */
  read(stream: string, atMs: number): void;
  /** A stream's time now: carried on from the last reading, and so a little behind. Undefined when none is of late. */
  now(stream: string): number | undefined;
  /** A message stored at this time is applied, and so is all that came before it. */
  applied(lane: Lane, storedAtMs: number): void;
  /** Nothing stored before this time was left to read. */
  caughtUp(lane: Lane, atMs: number): void;
  /** Every message of the lane stored before this time is applied; `-Infinity` when that is not known. */
  readTo(lane: Lane): number;
  /** The lane is read again from elsewhere, or is no longer ours. */
  forget(lane: Lane): void;
}

/** For so long a reading is carried on: what sets the server's clock right is noticed. */
const FRESH_MS = 60_000;

export function createStreamTimes({ now }: Pick<Clock, "now">): StreamTimes {
  const readings = new Map<string, { readonly atMs: number; readonly takenMs: number }>();
  const positions = new Map<Lane, number>();
  const readTo = (lane: Lane) => positions.get(lane) ?? Number.NEGATIVE_INFINITY;
  const reach = (lane: Lane, atMs: number) => {
    // What was kept back is applied later than what followed it.
    if (atMs > readTo(lane)) positions.set(lane, atMs);
  };
  return {
    read: (stream, atMs) => void readings.set(stream, { atMs, takenMs: now() }),
    now(stream) {
      const reading = readings.get(stream);
      if (reading === undefined) return undefined;
      const sinceMs = now() - reading.takenMs;
      return sinceMs < FRESH_MS ? reading.atMs + sinceMs : undefined;
    },
    applied: reach,
    caughtUp: reach,
    readTo,
    forget: (lane) => void positions.delete(lane),
  };
}
