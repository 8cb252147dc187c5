/** Why a delivery can never succeed. Stable names: they are subjects, headers and metric labels. */
export const REJECTION_REASONS = [
  "malformed_json",
  "invalid_event",
  "unknown_event_type",
  "subject_mismatch",
  "too_large",
  "reserved_type",
  "timestamp_out_of_range",
  "too_late",
  "machine_error",
  "actor_retired",
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** Names under which dead letters of earlier versions may still be in DEAD_LETTERS. */
const FORMER_NAMES: ReadonlyMap<string, RejectionReason> = new Map([["order_retired", "actor_retired"]]);

/** A reason as a dead letter says it, by the name it has now; undefined when it is none. */
export function readReason(name: string | undefined): RejectionReason | undefined {
  return REJECTION_REASONS.find((reason) => reason === name) ?? FORMER_NAMES.get(name ?? "");
}

/** Does a dead letter with this reason have no other name for it than this one? */
export function hasOneName(reason: string): boolean {
  return ![...FORMER_NAMES.values()].some((renamed) => renamed === reason);
}

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

export function isRejected(value: object): value is Rejected {
  return "reason" in value;
}

/** NATS headers are one line each, and a log line is read by a person. */
export function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 300);
}
