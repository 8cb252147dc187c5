import type { Rejected, RejectionReason } from "./ports.ts";

/** Says that a delivery can never succeed. @param error - made one line of printable ASCII. */
export function reject(reason: RejectionReason, error: string): Rejected {
  return { reason, error: oneLine(error) };
}

/** {@link reject} of what is not as the contract says. */
export function invalid(error: string): Rejected {
  return reject("invalid_event", error);
}

/** Is this a rejection, not the thing asked for? */
export function isRejected(value: object): value is Rejected {
  return "reason" in value;
}

/** NATS headers are one line each, and a log line is read by a person. */
export function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 300);
}
