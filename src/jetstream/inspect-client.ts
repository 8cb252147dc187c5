import { randomUUID } from "node:crypto";
import { ServiceError } from "@nats-io/services";
import type { ActorType } from "../actor/actor-type.ts";
import { QueryError } from "../answers/query-error.ts";
import { querySubject } from "../wire/names.ts";
import type { InspectQuestion } from "./inspect-service.ts";
import type { Session } from "./session.ts";

export interface FollowInspectionOptions {
  readonly redact: boolean;
  readonly signal: AbortSignal;
  readonly renewMs?: number;
}

/** A third of the lease, so that two questions may be lost. */
const RENEW_MS = 10_000;
const NO_RESPONDERS = 503;

/**
 * Follows what happens to one actor: its past first, then every move, as JSON of one `InspectionMessage` each, until
 * `signal` aborts. A daemon that restarts, or another one that takes over, begins again with the past.
 *
 * @throws QueryError `refused` when the daemon ends it, with its reason.
 */
export async function* followInspection(
  session: Session,
  type: ActorType,
  actorId: string,
  { redact, signal, renewMs = RENEW_MS }: FollowInspectionOptions,
): AsyncGenerator<string> {
  if (signal.aborted) return;
  const inbox = session.newInbox();
  const answers = session.nc.subscribe(inbox);
  const inspector = randomUUID();
  const ask = (question: Omit<InspectQuestion, "inspector">) => {
    // Nothing can be asked while the connection is closing for good; the daemon's lease ends by itself then.
    if (session.nc.isClosed() || session.nc.isDraining()) return;
    const body = JSON.stringify({ inspector, ...question } satisfies InspectQuestion);
    session.nc.publish(querySubject(type, "inspect", actorId), body, { reply: inbox });
  };
  const stop = () => answers.unsubscribe();
  signal.addEventListener("abort", stop, { once: true });
  const renewing = setInterval(() => ask({ redact }), renewMs);
  try {
    ask({ redact });
    for await (const answer of answers) {
      const refusal = ServiceError.toServiceError(answer);
      if (refusal !== null) throw new QueryError("refused", refusal.message, { cause: refusal });
      // No daemon now; the next question may find one.
      if (answer.headers?.code === NO_RESPONDERS) continue;
      yield answer.string();
    }
  } finally {
    clearInterval(renewing);
    signal.removeEventListener("abort", stop);
    answers.unsubscribe();
    ask({ end: true });
  }
}
