import { asFound, type Difference, UNCHANGED } from "./comparison.ts";

/** A setting of streams that a variable of ours sets. */
interface KnownSetting {
  readonly variable: string;
  /** As one writes it in the variable; undefined for what cannot be written there. */
  readonly text: (value: unknown) => string | undefined;
  /** Of `nats stream edit`; absent when the server does not change it. */
  readonly flag?: string;
}

const KNOWN: Readonly<Record<string, KnownSetting>> = {
  num_replicas: { variable: "NATSTATE_REPLICAS", text: countText, flag: "--replicas" },
  max_age: { variable: "NATSTATE_MAX_AGE", text: durationText, flag: "--max-age" },
  max_msg_size: { variable: "NATSTATE_MAX_MESSAGE_BYTES", text: countText, flag: "--max-msg-size" },
  max_bytes: { variable: "NATSTATE_MAX_BYTES", text: countText, flag: "--max-bytes" },
  deny_purge: { variable: "NATSTATE_DENY_PURGE", text: (value) => String(value === true) },
  subject_transform: { variable: "NATSTATE_PARTITIONS", text: partitionsText },
};

/** One difference of a stream, for a person: by the variable that sets it, and in its unit. */
export function describeDifference(difference: Difference): string {
  const { name, value, is } = difference;
  const known = KNOWN[name];
  const [wanted, found] = [known?.text(value), known?.text(is)];
  if (known === undefined || wanted === undefined || found === undefined) return asFound(difference);
  const unit = name === "subject_transform" ? " partitions" : "";
  return `${name} is ${found}${unit}, ${known.variable} is ${wanted}`;
}

/** What to do about all of them; it names no stream, so that several with the same differences are told together. */
export function remedyOf(differences: readonly Difference[]): string {
  const settings: string[] = [];
  const flags: (string | undefined)[] = [];
  for (const { name, value, is } of differences) {
    const known = KNOWN[name];
    const found = known?.text(is);
    if (known === undefined || found === undefined) return UNCHANGED;
    settings.push(`${known.variable}=${found}`);
    flags.push(known.flag && `${known.flag}=${known.text(value)}`);
  }
  const set = `Set ${settings.join(" and ")}`;
  return flags.includes(undefined) ? set : `${set}, or change it back by nats stream edit with ${flags.join(" ")}`;
}

function countText(value: unknown): string | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? String(value) : undefined;
}

const UNITS_NS = { d: 86_400e9, h: 3_600e9, m: 60e9, s: 1e9, ms: 1e6 } as const;

/** Nanoseconds, as `NATSTATE_MAX_AGE` has them; 0 or absent: for ever. */
export function durationText(value: unknown): string | undefined {
  const ns = value ?? 0;
  if (typeof ns !== "number") return undefined;
  const unit = Object.entries(UNITS_NS).find(([, size]) => ns % size === 0);
  return unit && `${ns / unit[1]}${unit[0]}`;
}

function partitionsText(value: unknown): string | undefined {
  const { dest = "" } = (value ?? {}) as { dest?: string };
  return /^[^.]+\.\{\{partition\((\d+),1\)\}\}\.\{\{wildcard\(1\)\}\}\.\{\{wildcard\(2\)\}\}$/.exec(dest)?.[1];
}
