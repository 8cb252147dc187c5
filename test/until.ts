/**
 * Polls until something holds.
 *
 * @param what - said when it does not hold in time.
 * @returns the first value that is neither false, null nor undefined.
 */
export async function until<Value>(
  what: string,
  probe: () => Promise<Value | false | null | undefined> | Value | false | null | undefined,
  timeoutMs = 45_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== false && value !== null && value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`not in ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
