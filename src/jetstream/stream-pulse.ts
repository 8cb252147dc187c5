import type { PeerInfo, StreamInfo } from "@nats-io/jetstream";
import { isStreamMissing } from "./connect.ts";

export interface StreamPulseOptions {
  readonly streams: readonly string[];
  /** May take its time: who answers late is there. */
  readonly ask: (stream: string) => Promise<StreamInfo>;
  /** A stream has another leader than before. */
  readonly onLeaderChanged?: (stream: string) => void;
  /** Monotonic, ms. */
  readonly now?: () => number;
}

const EVERY_MS = 1000;
/** An answer may get lost, and a server or this process stop for 3 s; what is told at the next look is told within 5 s. */
export const SILENT_MS = 4200;
/** Servers of a cluster hear of each other every second. */
const UNHEARD_MS = 2000;
/** For the first answers of a connection. */
const SETTLING_MS = 2000;

interface Beat {
  /** When a majority was known to be there last. */
  readonly seenMs: number;
  /** Why not since, if not. */
  readonly why: string;
}

/**
 * Knows whether JetStream answers for the streams, and with a majority of their servers behind it. A connection says
 * nothing about that: with two servers of three gone it stays up. Nor does an answer alone: a leader that has lost its
 * majority answers for 20 s more, and a server that is left over answers without a leader.
 *
 * Asks for every stream once a second, whether or not it has answered what was asked before.
 */
export function createStreamPulse(options: StreamPulseOptions) {
  const { streams, ask, onLeaderChanged = () => {}, now = () => performance.now() } = options;
  const leaders = new Map<string, string>();
  const beats = new Map<string, Beat>(streams.map((stream) => [stream, { seenMs: now(), why: "no answer" }]));
  let tickedAtMs = now();
  let settledAtMs = now();

  function hear(stream: string, heardMs: number, why: string): void {
    const { seenMs } = beats.get(stream) ?? { seenMs: heardMs };
    beats.set(stream, { seenMs: Math.max(seenMs, heardMs), why });
  }

  async function beat(stream: string): Promise<void> {
    try {
      const info = await ask(stream);
      noteLeader(stream, info.cluster?.leader);
      const silentMs = majoritySilentMs(info);
      hear(stream, now() - silentMs, silentMs > UNHEARD_MS ? "most of its servers are gone" : "no answer");
    } catch (error) {
      // That it is gone is an answer, and another check's to say.
      const isAnswer = isStreamMissing(error);
      hear(stream, isAnswer ? now() : Number.NEGATIVE_INFINITY, (error as Error).message);
    }
  }

  function noteLeader(stream: string, leader: string | undefined): void {
    // While there is none, nobody knows what is to become of what the former one was sent.
    if (!leader) return;
    const before = leaders.get(stream);
    leaders.set(stream, leader);
    if (before !== undefined && before !== leader) onLeaderChanged(stream);
  }

  /** A process that was stopped itself has not read what has arrived meanwhile. */
  const isLate = () => now() - tickedAtMs > 2 * EVERY_MS;

  function askAll(): void {
    if (isLate()) settledAtMs = now() + EVERY_MS;
    tickedAtMs = now();
    for (const stream of streams) void beat(stream);
  }

  askAll();
  const timer = setInterval(askAll, EVERY_MS);
  const isSettling = () => isLate() || now() < settledAtMs;

  return {
    /** Has the connection, or this process, gone on so recently that silence means nothing yet? */
    isSettling,
    /** Somebody has said who leads a stream. */
    elected: noteLeader,
    /** Asks now: what was asked before has gone with the connection. @param isSilent - it has, for its silence. */
    askAnew(isSilent = false): void {
      if (!isSilent) settledAtMs = now() + SETTLING_MS;
      askAll();
    },
    /** Undefined while all of them can be used, and while it is not known yet. */
    trouble() {
      const silent = isSettling() ? [] : [...beats].filter(([, { seenMs }]) => now() - seenMs > SILENT_MS);
      const [first] = silent;
      if (first === undefined) return undefined;
      const names = silent.map(([stream]) => stream).join(", ");
      /** For a person, a line; the same for as long as it lasts, mostly. */
      const what = `JetStream does not answer for ${names} (${first[1].why}): nothing is read or stored until it does. Are enough servers of the cluster up?`;
      return { what, silentMs: now() - Math.min(...silent.map(([, { seenMs }]) => seenMs)) };
    },
    stop: () => clearInterval(timer),
  };
}

/**
 * How long ago a majority of a stream's servers, the leader that answers included, was heard of.
 *
 * @returns ms; infinite when there is no leader.
 */
export function majoritySilentMs({ config, cluster }: Pick<StreamInfo, "config" | "cluster">): number {
  const others = Math.floor(config.num_replicas / 2);
  if (others === 0 || cluster === undefined) return 0;
  if (!cluster.leader) return Number.POSITIVE_INFINITY;
  const silentMs = (cluster.replicas ?? []).map(replicaSilentMs).sort((a, b) => a - b);
  return silentMs[others - 1] ?? Number.POSITIVE_INFINITY;
}

/**
 * How long ago its leader heard of a replica.
 *
 * @returns ms; infinite when it is known to be offline, or was never heard of by this leader: one that was elected
 *   because the former one has gone says 0 of that one for as long as it is away.
 */
export function replicaSilentMs(peer: PeerInfo): number {
  return peer.offline || !isHeard(peer) ? Number.POSITIVE_INFINITY : peer.active / 1_000_000;
}

/** Has this leader ever heard of the replica? Else it says of it that it lacks everything that the stream ever had. */
export function isHeard({ current, active }: PeerInfo): boolean {
  return active > 0 || current;
}
