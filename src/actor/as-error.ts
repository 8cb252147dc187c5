/** What an actor type's code threw, which may be anything at all. */
export function asError(thrown: unknown): Error {
  try {
    return thrown instanceof Error && typeof thrown.message === "string" ? thrown : new Error(String(thrown));
  } catch {
    return new Error("something that cannot be shown");
  }
}
