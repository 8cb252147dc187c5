import { PermissionViolationError } from "@nats-io/transport-node";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import { DAEMONS_SUBJECT } from "../wire/names.ts";

/**
 * What NATS does not let this daemon's user do that daemons need to know of each other. One that is denied any of it cannot
 * tell who has a partition, so it takes none from anybody: it reads those that nobody else reads.
 */
export type Denials = ReturnType<typeof createDenials>;

const ASK_AGAIN_MS = 10_000;
const BELOW = `${DAEMONS_SUBJECT}.`;

export function createDenials(clock: Clock = SYSTEM_CLOCK) {
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  /** By line. */
  const publishing = new Set<string>();
  const subscribing = new Set<string>();

  return {
    /** @returns whether the error says that NATS denies something of that; then it is told from now on. */
    note(error: unknown): boolean {
      const denied = violationIn(error);
      if (denied === undefined) return false;
      const subject = denied.subject.startsWith(BELOW) ? `${BELOW}>` : DAEMONS_SUBJECT;
      if (denied.operation === "subscription") subscribing.add(told("subscribe to", subject, ", and start it again"));
      else {
        publishing.add(told("publish", subject, ""));
        if (subject === DAEMONS_SUBJECT) notBeforeMs = clock.now() + ASK_AGAIN_MS;
      }
      return true;
    },
    /** Others were asked, and NATS did not refuse it. */
    asked: () => void publishing.delete(told("publish", DAEMONS_SUBJECT, "")),
    /** False for a while after it was refused: the server writes a line into its log each time. */
    mayAsk: () => clock.now() >= notBeforeMs,
    /** False: nobody can ask this one, so it must not count as there. */
    mayAnswer: () => subscribing.size === 0,
    /** A line each, with what to allow; none while nothing is denied. */
    troubles: () => [...publishing, ...subscribing],
  };
}

function violationIn(error: unknown): PermissionViolationError | undefined {
  if (!(error instanceof Error)) return undefined;
  if (!(error instanceof PermissionViolationError)) return violationIn(error.cause);
  return error.subject === DAEMONS_SUBJECT || error.subject.startsWith(BELOW) ? error : undefined;
}

/** What an administrator reads who has not given the permission. */
function told(operation: string, subject: string, then: string): string {
  return `NATS does not let this user ${operation} ${subject}, so this daemon and others do not know of each other, and it reads only partitions that nobody else reads: allow the processor to publish and to subscribe to "${DAEMONS_SUBJECT}" and "${BELOW}>" (docs/nats-secure.conf)${then}`;
}
