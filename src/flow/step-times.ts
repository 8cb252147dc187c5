import type { Clock } from "./clock.ts";

/** How long each step took, ms, by its name. */
export type StepTimes = Readonly<Record<string, number>>;

/** So long may something take before somebody wants to know of what. */
const LONG_MS = 1000;

/** Times what goes on step after step. */
export function timeSteps({ now }: Pick<Clock, "now">) {
  const times: Record<string, number> = {};
  const startMs = now();
  let sinceMs = startMs;
  return {
    /** It has just ended. @param step - its name, with the unit: `askMs`. */
    ended(step: string): void {
      const nowMs = now();
      times[step] = Math.round(nowMs - sinceMs);
      sinceMs = nowMs;
    },
    /** Undefined unless all of it took longer than a second. */
    ifLong: (): StepTimes | undefined => (sinceMs - startMs > LONG_MS ? { ...times } : undefined),
  };
}

/** Told of one of a lane's moves that took longer than a second: which one, in words, and its steps. */
export type TellSlow<Lane> = (lane: Lane, what: string, steps: StepTimes) => void;
