/** What a dead letter says of itself, always. */
export const DEAD_LETTER_HEADERS: readonly string[] = ["Reason", "Error", "Subject", "Stream", "Sequence"].map(
  (name) => `Natstate-${name}`,
);

/** How many of the original headers a dead letter has no room for; there when it is not 0. */
export const LEFT_OUT = "Natstate-Headers-Left-Out";

/** Headers as NATS clients give them, or as they are kept. */
type Headers = Iterable<readonly [name: string, value: string | readonly string[]]>;

/**
 * The first value of a header, whatever the case of its name: proxies and clients write `Traceparent` and `traceparent`.
 *
 * Source: ADR-4 of NATS compares exactly, the CloudEvents binding and W3C Trace Context do not.
 */
export function firstHeader(headers: Headers | undefined, name: string): string | undefined {
  if (headers === undefined) return undefined;
  for (const [given, value] of headers) {
    if (given.length !== name.length || given.toLowerCase() !== name.toLowerCase()) continue;
    return typeof value === "string" ? value : value[0];
  }
  return undefined;
}
