import type { Pause } from "../flow/batcher.ts";

/** What the daemon knows of itself at one moment. */
export interface HealthReadings {
  readonly connected: boolean;
  /** Why NATS does not let us in, as it says. */
  readonly refusal?: string | undefined;
  /** JetStream does not answer, though we may be connected. */
  readonly silence?: { readonly what: string; readonly silentMs: number } | undefined;
  /** Partitions this daemon is to read, and those it reads. */
  readonly assigned: number;
  readonly reading: number;
  /** Which partition is being copied from another daemon, and how far that is. */
  readonly copying?: string | undefined;
  /** Why partitions are not read, or not as they should be, a line each. */
  readonly laneTroubles?: readonly string[];
  /** What keeps this daemon and others from knowing of each other, a line each. */
  readonly denials?: readonly string[];
  /** In what other daemons differ from this one, a line each: shown, and no fault of this one. */
  readonly disagreements?: readonly string[];
  /** What is wrong with the streams, a line each. */
  readonly streamTroubles?: readonly string[];
  readonly pause: Pause | null;
  /** Messages of the assigned partitions that are stored and not yet applied; null when it is not known. */
  readonly lag: number | null;
  /** Decisions and dead letters not yet published. */
  readonly backlog: number;
  /** Why none of them gets in, null or absent while they do. */
  readonly publishTrouble?: Pause | null;
  /** Why the actors of a type are not told that their delays have ended, a line each. */
  readonly tickTroubles?: readonly string[];
  /** Ms since the epoch. */
  readonly nowMs: number;
  /** For how long lag has been high without falling; 0 or absent when it has not, see {@link createHealthCheck}. */
  readonly lagStalledMs?: number;
  /** The same of the backlog. */
  readonly backlogStalledMs?: number;
}

export interface Check {
  readonly ok: boolean;
  /** For a person: what is the case and, when it is not well, where to look. */
  readonly detail: string;
}

/** Whether the daemon does its work. Being alive is answering at all: nothing read here is cured by a restart. */
export interface Health {
  /** True when every check is ok. */
  readonly ready: boolean;
  readonly checks: Readonly<Record<"nats" | "streams" | "partitions" | "store" | "lag" | "publisher", Check>>;
}

/** Lag above which it has to fall, in messages. */
const HIGH_LAG = 10_000;
/** Backlog above which it has to fall, in rows. */
const HIGH_BACKLOG = 1000;
const STALLED_MS = 30_000;
/** A change of the streams' leader, or a restart of the server, takes less. */
const TROUBLED_MS = 10_000;
/** Fewer readings than this rise by chance too often: six in a row once in 720 times. */
const STALLED_READINGS = 6;

/**
 * Judges one moment. Pure.
 *
 * How much there is to catch up with is no fault: lag and backlog are shown, and not ok only while they stall.
 */
export function assessHealth(readings: HealthReadings): Health {
  const checks = {
    nats: checkNats(readings),
    streams: checkStreams(readings),
    partitions: withOthers(checkPartitions(readings), readings),
    store: checkStore(readings),
    lag: checkLag(readings),
    publisher: checkPublisher(readings),
  };
  return { ready: Object.values(checks).every((check) => check.ok), checks };
}

/**
 * {@link assessHealth} with a memory: lag above 10,000 messages (a backlog above 1,000 rows) is stalled once no reading
 * of 30 s, and of at least six, was lower than the one before it.
 */
export function createHealthCheck(): (readings: HealthReadings) => Health {
  const lagStall = watchStall(HIGH_LAG);
  const backlogStall = watchStall(HIGH_BACKLOG);
  return (readings) => {
    const { lag, backlog, nowMs } = readings;
    return assessHealth({
      ...readings,
      lagStalledMs: lag === null ? 0 : lagStall(lag, nowMs),
      backlogStalledMs: backlogStall(backlog, nowMs),
    });
  };
}

/** @returns for how long the value has stalled, in ms; 0 when it has not. */
function watchStall(limit: number): (value: number, nowMs: number) => number {
  let before = Number.POSITIVE_INFINITY;
  let sinceMs = 0;
  let readings = 0;
  return (value, nowMs) => {
    if (value <= limit || value < before) {
      sinceMs = nowMs;
      readings = 0;
    } else readings++;
    before = value;
    const stalledMs = nowMs - sinceMs;
    return readings >= STALLED_READINGS && stalledMs >= STALLED_MS ? stalledMs : 0;
  };
}

function checkNats({ connected, refusal }: HealthReadings): Check {
  if (connected) return { ok: true, detail: "connected" };
  if (refusal !== undefined)
    return {
      ok: false,
      detail: `not connected: NATS ${refusal}, is NATS_URL or NATS_CREDS out of date? It is tried again`,
    };
  return {
    ok: false,
    detail: "not connected, reconnecting: does nats-server run at NATS_URL, and does it accept NATS_CREDS?",
  };
}

function checkStreams({ connected, streamTroubles = [], silence }: HealthReadings): Check {
  // One cause, one check that fails.
  if (!connected) return { ok: true, detail: "not known while NATS is away" };
  if (silence !== undefined) {
    return { ok: false, detail: `for ${seconds(silence.silentMs)}: ${silence.what}` };
  }
  if (streamTroubles.length === 0) return { ok: true, detail: "they keep what they are to keep" };
  return { ok: false, detail: streamTroubles.join("; ") };
}

function checkPartitions({ assigned, reading, copying, laneTroubles = [] }: HealthReadings): Check {
  if (assigned === 0) return { ok: true, detail: "none assigned, other daemons read them all: standing by" };
  const detail = `${reading} of ${assigned} assigned partitions are being read`;
  const [trouble] = laneTroubles;
  if (trouble !== undefined) {
    const others = laneTroubles.length === 1 ? "" : ` (and ${laneTroubles.length - 1} more, see the log)`;
    return { ok: false, detail: `${detail}; ${trouble}${others}` };
  }
  if (reading >= assigned) return { ok: true, detail };
  if (copying !== undefined) return { ok: false, detail: `${detail}; ${copying}` };
  return { ok: false, detail: `${detail}; the log says why the others are not, they are tried again` };
}

/** What it has to do with other daemons. */
function withOthers({ ok, detail }: Check, { denials = [], disagreements = [] }: HealthReadings): Check {
  return { ok: ok && denials.length === 0, detail: [detail, ...denials, ...disagreements].join("; ") };
}

function checkStore({ pause, nowMs }: HealthReadings): Check {
  if (pause === null) return { ok: true, detail: "writable" };
  const detail = `nothing could be committed for ${seconds(nowMs - pause.sinceMs)} (${pause.error})`;
  return { ok: false, detail: `${detail}: is NATSTATE_DATA writable, and has its disk room? It is tried again` };
}

function checkLag({ lag, lagStalledMs = 0 }: HealthReadings): Check {
  if (lag === null)
    return { ok: false, detail: "how many messages are not yet applied is not known, see the other checks" };
  const detail = `${lag} messages are not yet applied`;
  if (lagStalledMs === 0) return { ok: true, detail };
  return {
    ok: false,
    detail: `${detail}, and not fewer for ${seconds(lagStalledMs)}: too many for one daemon, or see the other checks`,
  };
}

function checkPublisher(readings: HealthReadings): Check {
  const { backlog, backlogStalledMs = 0, publishTrouble, tickTroubles = [], nowMs } = readings;
  const detail = `${backlog} decisions and dead letters are not yet published`;
  const troubledMs = nowMs - (publishTrouble?.sinceMs ?? nowMs);
  if (backlog > 0 && publishTrouble && troubledMs >= TROUBLED_MS) {
    const why = `none has got in for ${seconds(troubledMs)} (${publishTrouble.error})`;
    return { ok: false, detail: `${detail}, ${why}: has the server's disk room? They are tried again` };
  }
  if (tickTroubles.length > 0) return { ok: false, detail: `${detail}; ${tickTroubles.join("; ")}` };
  if (backlogStalledMs === 0) return { ok: true, detail };
  return {
    ok: false,
    detail: `${detail}, and not fewer for ${seconds(backlogStalledMs)}: can DECISIONS and DEAD_LETTERS be written?`,
  };
}

function seconds(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1000))} s`;
}
