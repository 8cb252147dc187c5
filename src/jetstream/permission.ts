/** @returns the error by which NATS refused a subject to this user: the given one or what caused it; else undefined. */
export function permissionError(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "PermissionViolationError") return error;
  return permissionError(error.cause);
}
