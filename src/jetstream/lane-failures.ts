import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import { NatsSetupError } from "./connect.ts";

/** What keeps a lane from being read: when it is tried again, and from when on somebody is to hear of it. */
export interface LaneFailures {
  /** It was read, and is no more. */
  ended(): void;
  failed(error: Error): void;
  /** It is read, or what failed says nothing about now. */
  forget(): void;
  /** How long to wait before the next attempt; longer each time. */
  nextDelayMs(): number;
  /** Why it cannot be read; undefined while it is, and before it was tried often, or for long enough. */
  told(): string | undefined;
}

const RETRY_MS = [50, 250, 1000, 2000] as const;
/** Anything may fail once or twice. */
const FAILURES_TOLD = 3;
/** Asked in vain for this long, the first failure counts. */
const FAILING_TOLD_MS = 3000;

export function createLaneFailures({ now }: Clock = SYSTEM_CLOCK): LaneFailures {
  let attempts = 0;
  let failure: { readonly message: string; readonly isFinal: boolean } | undefined;
  let endedAtMs = now();

  return {
    ended() {
      endedAtMs = now();
    },
    failed(error) {
      failure = { message: error.message, isFinal: error instanceof NatsSetupError };
    },
    forget() {
      attempts = 0;
      failure = undefined;
    },
    nextDelayMs: () => RETRY_MS[attempts++] ?? 2000,
    told() {
      if (failure === undefined) return undefined;
      const isTold = failure.isFinal || attempts >= FAILURES_TOLD || now() - endedAtMs > FAILING_TOLD_MS;
      return isTold ? failure.message : undefined;
    },
  };
}
