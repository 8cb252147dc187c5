/** The moments between two steps of the path at which a test may end the process, in their order. */
export const MOMENTS = ["received", "applied", "in_transaction", "committed", "acked", "published", "noted"] as const;
export type Moment = (typeof MOMENTS)[number];

/** Told that a moment has come; does nothing but in tests. */
export type Probe = (moment: Moment) => void;
