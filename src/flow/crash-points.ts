/** The moments between two steps of the path at which a test may end the process, in their order. */
export const CRASH_POINTS = [
  "received",
  "applied",
  "in_transaction",
  "committed",
  "acked",
  "published",
  "noted",
] as const;
/** The same of retention: a step and its commit; a retired actor's history read, applied again and committed. */
export const RETENTION_CRASH_POINTS = ["retiring", "retired", "history_read", "restoring", "restored"] as const;
export type CrashPoint = (typeof CRASH_POINTS | typeof RETENTION_CRASH_POINTS)[number];

/** Told that a moment has come; does nothing but in tests. */
export type ReachCrashPoint = (point: CrashPoint) => void;
