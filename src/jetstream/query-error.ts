import { ServiceError } from "@nats-io/services";
import { type Msg, errors as natsErrors } from "@nats-io/transport-node";

/** A question that got no answer; `problem` says which kind of no. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly problem: "no_daemon" | "no_answer" | "busy" | "catching_up" | "refused" | "retired" | "not_found";

  constructor(problem: QueryError["problem"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** What a daemon's status means to whoever asked; every other one: the question is refused. */
const PROBLEMS: Readonly<Record<number, QueryError["problem"]>> = {
  404: "not_found",
  410: "retired",
  429: "busy",
  503: "catching_up",
};

/** @returns the answer. @throws QueryError when it is none. */
export function readAnswer(reply: Msg): unknown {
  const refusal = ServiceError.toServiceError(reply);
  if (refusal === null) return reply.json();
  throw new QueryError(PROBLEMS[refusal.code] ?? "refused", refusal.message, { cause: refusal });
}

/** An error of NATS, as whoever asks is told of it: nobody subscribes to a subject means that no daemon runs. */
export function explainNobody(error: unknown): unknown {
  return isNobody(error) ? new QueryError("no_daemon", "no natstate daemon answers", { cause: error }) : error;
}

/** NATS says that nobody subscribes to a subject. */
export function isNobody(error: unknown): boolean {
  const cause = error instanceof natsErrors.RequestError ? error.cause : error;
  return cause instanceof natsErrors.NoRespondersError;
}
