import { BATCH, type Hosted } from "./hosting.ts";
import type { Delays, LateFacts, Reversed } from "./hosting-delays.ts";
import { aim, table, whole } from "./report.ts";

/** All that `--hosting` measures. */
export interface Hosting {
  readonly hosted: readonly Hosted[];
  readonly lateFacts: LateFacts;
  readonly reversed: Reversed;
}

export function printHosting({ hosted, lateFacts, reversed }: Hosting): string {
  const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
  const rows = hosted.map((one) => [
    `order, ${one.ordering}`,
    percent(one.late),
    whole(one.eventsPerSecond),
    one.cpuUsPerEvent.toFixed(1),
    percent(one.reordered),
  ]);
  const costs = table([["", "late", "events/s", "CPU us/event", "reordered"], ...rows]);
  const times = (name: string, { p50, p99 }: Delays) => [name, p50.toFixed(1), p99.toFixed(1)];
  const delays = table([
    ["", "p50 ms", "p99 ms"],
    times(`a late fact among ${whole(lateFacts.facts)}, hot`, lateFacts.hot),
    times("  cold", lateFacts.cold),
    times(`others beside ${whole(reversed.facts)} facts in reverse`, reversed.others),
  ]);
  const { folded, facts, seconds } = reversed;
  const came = `In reverse: ${whole(folded)} of ${whole(facts)} had acted after ${seconds.toFixed(0)} s.`;
  return [`batches of up to ${BATCH}`, costs, delays, came, aims({ hosted, lateFacts, reversed })].join("\n\n");
}

function aims({ hosted, lateFacts, reversed }: Hosting): string {
  const ratio = (late: number) => {
    const of = (ordering: Hosted["ordering"]) =>
      hosted.find((one) => one.late === late && one.ordering === ordering)?.cpuUsPerEvent ?? Number.NaN;
    return of("event-time") / of("merge");
  };
  const { hot, cold } = lateFacts;
  return [
    aim("event-time/merge in order, CPU per event", ratio(0), "at most 1.25", (value) => value <= 1.25),
    aim("event-time/merge, 50 % late, CPU per event", ratio(0.5), "at most 2", (value) => value <= 2),
    aim("a late fact, hot, p99 ms", hot.p99, "under 5", (value) => value < 5),
    aim("a late fact, cold, p99 ms", cold.p99, "under 5", (value) => value < 5),
    aim("others beside facts in reverse, p99 ms", reversed.others.p99, "under 50", (value) => value < 50),
  ].join("\n");
}
