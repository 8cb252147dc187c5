import { isDeepStrictEqual } from "node:util";
import type { StreamConfig } from "@nats-io/jetstream";
import type { WantedStream } from "./stream-configs.ts";
import { durationText } from "./stream-settings.ts";

/** A setting by which a stream throws away, or stores elsewhere, what a store is derived from. */
export interface ReplayHazard {
  readonly setting: keyof StreamConfig;
  /** What it is, and what follows from it. */
  readonly what: string;
  /** Flags of `nats stream edit` that end it; null when the server cannot change it any more. */
  readonly edit: string | null;
}

/** Of a stream, what a new or restored store could not be derived from again; whatever else may differ. */
export function replayHazards(wanted: WantedStream, found: StreamConfig): ReplayHazard[] {
  const { max_msgs_per_subject: perSubject, max_msgs: messages, max_bytes: bytes, max_age: age } = found;
  const hazards: ReplayHazard[] = [];
  const add = (setting: keyof StreamConfig, why: string, edit: string | null) =>
    hazards.push({ setting, what: `${setting} is ${shown(found, setting)}: ${why}`, edit });

  if (found.retention !== "limits") add("retention", "messages go once they are read", "--retention=limits");
  if (perSubject > 0) add("max_msgs_per_subject", "earlier messages of a subject go", "--max-msgs-per-subject=-1");
  // One that refuses what it has no room for loses nothing that it has acknowledged.
  const dropsOld = found.discard !== "new";
  if (dropsOld && messages > 0) add("max_msgs", "the oldest go before their age", "--discard=new");
  if (dropsOld && bytes > 0) add("max_bytes", "the oldest go before their age", "--discard=new");
  const wantedAge = wanted.max_age ?? 0;
  if (age > 0 && (wantedAge === 0 || age < wantedAge)) {
    add("max_age", "messages go too early", `--max-age=${Math.round(wantedAge / 1_000_000_000)}s`);
  }
  if (found.allow_rollup_hdrs) add("allow_rollup_hdrs", "a message's header removes others", "--no-allow-rollup");
  if (found.allow_msg_ttl) add("allow_msg_ttl", "a message's header removes it early", null);
  if (found.allow_msg_schedules) add("allow_msg_schedules", "a message's header removes others", null);
  if (found.persist_mode === "async") add("persist_mode", "what is acknowledged is not stored yet", null);
  if (!isDeepStrictEqual(found.subject_transform, wanted.subject_transform)) {
    add("subject_transform", "messages are stored under other subjects", transformEdit(wanted));
  }
  return hazards;
}

/** One line: what to type, or what else to do, to end them. */
export function hazardRemedy(stream: string, hazards: readonly ReplayHazard[]): string {
  const edits = [...new Set(hazards.flatMap(({ edit }) => edit ?? []))];
  const forGood = hazards.filter(({ edit }) => edit === null).map(({ setting }) => setting);
  return [
    ...(edits.length > 0 ? [`To change it: nats stream edit ${stream} ${edits.join(" ")}`] : []),
    ...(forGood.length > 0 ? [`NATS cannot take back ${forGood.join(", ")}: move ${stream} to one without`] : []),
  ].join(". ");
}

function transformEdit({ subject_transform: transform }: WantedStream): string {
  if (transform === undefined) return "--no-transform";
  return `--transform-source "${transform.src}" --transform-destination "${transform.dest}"`;
}

function shown(found: StreamConfig, setting: keyof StreamConfig): string {
  return (setting === "max_age" ? durationText(found[setting]) : undefined) ?? JSON.stringify(found[setting]);
}
