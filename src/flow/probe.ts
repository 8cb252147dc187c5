/** The moments between two steps of the path at which a test may end the process, in their order. */
export const MOMENTS = ["received", "applied", "in_transaction", "committed", "acked", "published", "noted"] as const;
/** The same of retention: a step and its commit; a retired order's history read, applied again and committed. */
export const RETENTION_MOMENTS = ["retiring", "retired", "history_read", "restoring", "restored"] as const;
export type Moment = (typeof MOMENTS | typeof RETENTION_MOMENTS)[number];

/** Told that a moment has come; does nothing but in tests. */
export type Probe = (moment: Moment) => void;
