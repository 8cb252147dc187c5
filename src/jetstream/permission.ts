/** @returns the error by which NATS refused a subject to this user: the given one or what caused it; else undefined. */
export function permissionError(error: Error): Error | undefined {
  if (error.name === "PermissionViolationError") return error;
  return error.cause instanceof Error ? permissionError(error.cause) : undefined;
}
