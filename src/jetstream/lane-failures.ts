import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import { NatsSetupError } from "./connect.ts";

const RETRY_MS = [50, 250, 1000, 2000] as const;
/** Anything may fail once or twice. */
const FAILURES_TOLD = 3;
/** Asked in vain for this long, the first failure counts. */
const FAILING_TOLD_MS = 3000;

/** What keeps a lane from being read: when it is tried again, and from when on somebody is to hear of it. */
export function createLaneFailures({ now }: Clock = SYSTEM_CLOCK) {
  let attempts = 0;
  let failure: { readonly message: string; readonly isFinal: boolean } | undefined;
  let endedAtMs = now();

  return {
    /** It was read, and is no more. */
    ended(): void {
      endedAtMs = now();
    },
    failed(error: Error): void {
      failure = { message: error.message, isFinal: error instanceof NatsSetupError };
    },
    /** It is read, or what failed says nothing about now. */
    forget(): void {
      attempts = 0;
      failure = undefined;
    },
    /** How long to wait before the next attempt; longer each time. */
    nextDelayMs: () => RETRY_MS[attempts++] ?? 2000,
    /** Why it cannot be read; undefined while it is, and before it was tried often, or for long enough. */
    told(): string | undefined {
      if (failure === undefined) return undefined;
      const isTold = failure.isFinal || attempts >= FAILURES_TOLD || now() - endedAtMs > FAILING_TOLD_MS;
      return isTold ? failure.message : undefined;
    },
  };
}
