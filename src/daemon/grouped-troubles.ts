import { wantedConsumer } from "../jetstream/stream-configs.ts";
import type { Lane } from "../wire/lanes.ts";

/** One line for what many lanes have in common; known by stream and reason, whichever lanes they are and it names. */
export function byReason(
  troubles: readonly { readonly lane: Lane; readonly reason: string }[],
  what: string,
): [string, string][] {
  const grouped = new Map<string, { lane: Lane; reason: string }[]>();
  for (const trouble of troubles) {
    const { filter_subject, durable_name } = wantedConsumer(trouble.lane);
    const reason = trouble.reason.replaceAll(filter_subject, "*").replaceAll(durable_name, "*");
    const key = `${what} ${trouble.lane.stream} ${reason}`;
    grouped.set(key, [...(grouped.get(key) ?? []), trouble]);
  }
  return [...grouped].flatMap(([key, [first, ...others]]) => {
    if (first === undefined) return [];
    const partitions = [first, ...others].map(({ lane }) => lane.partition).join(", ");
    const one = others.length === 0 ? "partition" : "partitions";
    return [[key, `${one} ${partitions} of ${first.lane.stream} ${what}: ${first.reason}`]];
  });
}
