import { createHash } from "node:crypto";
import { Svcm } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Lane } from "../wire/lanes.ts";

/** A live daemon. */
export interface Member {
  /** New with every start. */
  readonly id: string;
  /** The same after every start on the same data directory: it gets the lanes its store knows. */
  readonly instance: string;
}

/** Tells which daemons are alive, and so which lanes are ours. */
export interface Membership {
  /** The live daemons by id; always with our own. */
  members(): readonly Member[];
  /** Asks now, not at the next round. */
  refresh(): Promise<void>;
  stop(): void;
}

const ROUND_MS = 1000;
const ANSWER_MS = 300;
/** Rounds without an answer until a member counts as gone. */
const MISSES = 3;

export interface MembershipOptions {
  readonly nc: NatsConnection;
  /** What daemons answer as. */
  readonly service: string;
  readonly own: Member;
  /** Only daemons with the same value in their metadata count: those that share our streams. */
  readonly cluster: string;
  readonly onChange: (members: readonly Member[]) => void;
  readonly clock?: Clock;
}

/** Live daemons are those that answer `$SRV.PING` as the micro service `natstate`: discovery that NATS has already. */
export function createMembership(options: MembershipOptions): Membership {
  const { nc, service, own, cluster, onChange, clock = SYSTEM_CLOCK } = options;
  const client = new Svcm(nc).client({ strategy: "timer", maxWait: ANSWER_MS });
  const known = new Map<string, { readonly instance: string; misses: number }>();
  known.set(own.id, { instance: own.instance, misses: 0 });
  let cancelRound = () => {};
  let stopped = false;
  let round: Promise<void> | undefined;

  const members = () =>
    [...known].map(([id, { instance }]): Member => ({ id, instance })).sort((a, b) => (a.id < b.id ? -1 : 1));

  async function ask(): Promise<void> {
    const before = JSON.stringify(members());
    const answered = new Map<string, string>();
    try {
      for await (const { id, metadata } of await client.ping(service)) {
        if (metadata?.cluster === cluster) answered.set(id, metadata.instance ?? id);
      }
    } catch {
      // Not connected: keep what is known, the partitions are not ours to give away or take while nobody is heard.
      return;
    }
    // The client does not reject while it is away, nobody answers then. We hear ourselves whenever anybody can be heard.
    if (!answered.has(own.id)) return;
    for (const [id, instance] of answered) known.set(id, { instance, misses: 0 });
    const present = new Set(answered.values());
    for (const [id, member] of known) {
      if (answered.has(id)) continue;
      // One data directory has one daemon: who was started again on it is not waited for under the former id.
      if (++member.misses >= MISSES || present.has(member.instance)) known.delete(id);
    }
    if (!stopped && JSON.stringify(members()) !== before) onChange(members());
  }

  function refresh(): Promise<void> {
    round ??= ask().finally(() => {
      round = undefined;
    });
    return round;
  }

  function tick(): void {
    cancelRound = clock.after(ROUND_MS, async () => {
      if (!nc.isClosed()) await refresh();
      if (!stopped) tick();
    });
  }
  tick();

  return {
    members,
    refresh,
    stop() {
      stopped = true;
      cancelRound();
    },
  };
}

/**
 * Shares lanes among members: every member computes the same answer, nobody gets more than its fair share, and few
 * lanes move when a member comes or goes (each lane takes the free member that ranks highest for it).
 *
 * Source: rendezvous hashing with bounded loads.
 *
 * @returns the owner's id for each lane.
 */
export function assignLanes(lanes: readonly Lane[], members: readonly Member[]): Map<Lane, string> {
  const fairShare = Math.ceil(lanes.length / members.length);
  const load = new Map<string, number>();
  const assigned = new Map<Lane, string>();
  for (const lane of lanes) {
    const ranked = members
      .map(({ id, instance }) => ({ id, rank: rank(`${lane.stream}/${lane.partition}/${instance}`) + id }))
      .sort((a, b) => (a.rank < b.rank ? 1 : -1));
    const owner = ranked.find(({ id }) => (load.get(id) ?? 0) < fairShare)?.id;
    if (owner === undefined) continue;
    load.set(owner, (load.get(owner) ?? 0) + 1);
    assigned.set(lane, owner);
  }
  return assigned;
}

function rank(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
