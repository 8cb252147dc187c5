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

/** A refusal as whoever asks is told of it. */
export function toProblem({ status, message }: { readonly status: number; readonly message: string }): QueryError {
  return new QueryError(PROBLEMS[status] ?? "refused", message);
}
