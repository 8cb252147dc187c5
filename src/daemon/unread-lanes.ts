import { wantedConsumer } from "../jetstream/stream-configs.ts";
import type { TopologyWatch } from "../jetstream/topology-watch.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Reading } from "./parts.ts";

/** Lanes that are not read as they should be, as far as it is not said of their streams. */
export function laneTroubles({ ownership, lag }: Reading, topology: TopologyWatch): Map<string, string> {
  const isSaid = new Set(topology.troubles());
  const unread = ownership.troubles().filter(({ reason }) => !reason.split("\n").every((line) => isSaid.has(line)));
  return new Map([
    ...lag.consumerProblems().map((problem) => [problem, problem] as const),
    ...byReason(unread, "cannot be read"),
    ...byReason(lag.unknown(), "cannot be asked how much is unread"),
  ]);
}

/** One line for what many lanes have in common; known by stream and reason, whichever lanes they are and it names. */
function byReason(
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
