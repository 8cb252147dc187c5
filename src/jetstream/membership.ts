import { createHash } from "node:crypto";
import { Svcm } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Lane } from "../flow/ports.ts";

/** Tells which daemons are alive, and so which lanes are ours. */
export interface Membership {
  /** Ids of the live daemons, sorted; always with our own. */
  members(): readonly string[];
  /** Asks now, not at the next round. */
  refresh(): Promise<void>;
  stop(): void;
}

const ROUND_MS = 1000;
const ANSWER_MS = 300;
/** Rounds without an answer until a member counts as gone. */
const MISSES = 3;

/**
 * Live daemons are those that answer `$SRV.PING` as the micro service `natstate`: discovery that NATS has already.
 *
 * @param cluster - only daemons with the same value in their metadata count: those that share our streams.
 */
export function createMembership(
  nc: NatsConnection,
  service: string,
  ownId: string,
  cluster: string,
  onChange: (members: readonly string[]) => void,
): Membership {
  const client = new Svcm(nc).client({ strategy: "timer", maxWait: ANSWER_MS });
  const missed = new Map<string, number>([[ownId, 0]]);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let round: Promise<void> | undefined;

  const members = () => [...missed.keys()].sort();

  async function ask(): Promise<void> {
    const before = members().join();
    const answered = new Set<string>();
    try {
      for await (const { id, metadata } of await client.ping(service)) {
        if (metadata?.cluster === cluster) answered.add(id);
      }
    } catch {
      // Not connected: keep what is known, the partitions are not ours to give away or take while nobody is heard.
      return;
    }
    // The client does not reject while it is away, nobody answers then. We hear ourselves whenever anybody can be heard.
    if (!answered.has(ownId)) return;
    for (const id of answered) missed.set(id, 0);
    for (const [id, misses] of missed) {
      if (answered.has(id)) continue;
      if (misses + 1 >= MISSES) missed.delete(id);
      else missed.set(id, misses + 1);
    }
    if (!stopped && members().join() !== before) onChange(members());
  }

  function refresh(): Promise<void> {
    round ??= ask().finally(() => {
      round = undefined;
    });
    return round;
  }

  function tick(): void {
    timer = setTimeout(async () => {
      if (!nc.isClosed()) await refresh();
      if (!stopped) tick();
    }, ROUND_MS);
  }
  tick();

  return {
    members,
    refresh,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/**
 * Shares lanes among members: every member computes the same answer, nobody gets more than its fair share, and few
 * lanes move when a member comes or goes (each lane takes the free member that ranks highest for it).
 *
 * Source: rendezvous hashing with bounded loads.
 */
export function assignLanes(lanes: readonly Lane[], members: readonly string[]): Map<Lane, string> {
  const fairShare = Math.ceil(lanes.length / members.length);
  const load = new Map<string, number>();
  const assigned = new Map<Lane, string>();
  for (const lane of lanes) {
    const ranked = members
      .map((member) => ({ member, rank: rank(`${lane.stream}/${lane.partition}/${member}`) }))
      .sort((a, b) => (a.rank < b.rank ? 1 : -1));
    const owner = ranked.find(({ member }) => (load.get(member) ?? 0) < fairShare)?.member;
    if (owner === undefined) continue;
    load.set(owner, (load.get(owner) ?? 0) + 1);
    assigned.set(lane, owner);
  }
  return assigned;
}

function rank(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
