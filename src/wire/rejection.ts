/** Why a delivery can never succeed. Stable names: they are subjects, headers and metric labels. */
export const REJECTION_REASONS = [
  "malformed_json",
  "invalid_event",
  "unknown_event_type",
  "subject_mismatch",
  "too_large",
  "reserved_type",
  "timestamp_out_of_range",
  "machine_error",
  "order_retired",
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** A delivery that can never succeed. A value, not an exception. */
export interface Rejected {
  readonly reason: RejectionReason;
  /** One line a person can act on. */
  readonly error: string;
}

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
