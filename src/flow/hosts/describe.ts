import { delayText } from "../../actor/delay-text.ts";
import type { Place } from "./fact-order.ts";

/*
 * Events of a fold in words, for its faults.
 */

/** Of `xstate.after.30000.order.open`, what it waits for and where, without the machine's id; a state may have its own. */
const AFTER = /^xstate\.after\.(\d+(?:\.\d+)?|[^.]+)\.(?:[^.]+\.)?(.+)$/;

/** For example `PaymentProcessed p-1 of 2026-01-01T10:00:00.000Z`. */
export function describeFact({ type, eventId, timestamp }: Place): string {
  return `${type} ${eventId} of ${timestamp}`;
}

/** For example `after 30 s at open, due 2026-01-01T10:00:30.000Z`. */
export function describeDelay(type: string, due: string): string {
  return `${nameDelay(type)}, due ${due}`;
}

/** @returns the shortest round in which the delays went, for example `in a round: after 5 ms at a, after 5 ms at b`. */
export function describeCycle(fired: readonly string[]): string {
  // A half that repeats: fewer would be chance.
  const round = fired.findIndex((_, length) => length > 0 && length * 2 <= fired.length && repeats(fired, length));
  const names = (round > 0 ? fired.slice(0, round) : [...new Set(fired)]).map(nameDelay);
  return `${round > 0 ? "in a round" : "of"}: ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;
}

function repeats(fired: readonly string[], length: number): boolean {
  return fired.every((type, index) => index < length || type === fired[index - length]);
}

/** For example `after 30 s at open`; of a delayed `raise`, `raise Remind`. */
export function nameDelay(type: string): string {
  const [, delay, state] = AFTER.exec(type) ?? [];
  if (delay === undefined) return `raise ${type}`;
  return `after ${/^\d/.test(delay) ? delayText(Number(delay)) : delay} at ${state}`;
}
