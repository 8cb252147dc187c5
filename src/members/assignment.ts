import { createHash } from "node:crypto";
import type { Lane } from "../wire/lanes.ts";
import type { Member, MemberStream } from "./member.ts";

/** Who is to have a lane, by the ids of members. */
export interface Assigned {
  readonly owner: string;
  /** Who is to follow it, to take it over without reading the log first; in their order. */
  readonly standbys: readonly string[];
}

export interface Sharing {
  readonly lanes: readonly Lane[];
  /** All that are there. */
  readonly members: readonly Member[];
  /** Which of them we are: it knows every lane's type. */
  readonly own: Member;
  /** Of each lane, as far as there are members. */
  readonly standbys?: number;
}

/**
 * Shares lanes among members: every member that knows a stream computes the same answer, nobody gets more than its fair
 * share, and few lanes move when a member comes or goes (each lane takes the free member that ranks highest for it).
 *
 * A lane goes to members that know its very stream, by the highest version of its type that is there; to one that leaves
 * only when all of those do.
 *
 * Source: rendezvous hashing with bounded loads.
 */
export function assignLanes({ lanes, members, own, standbys = 0 }: Sharing): Map<Lane, Assigned> {
  const assigned = new Map<Lane, Assigned>();
  for (const [name, ofStream] of Map.groupBy(lanes, ({ stream }) => stream)) {
    const stream = own.streams.find((each) => each.name === name);
    const able = stream === undefined ? [] : ableMembers(stream, members);
    if (able.length > 0) shareStream(ofStream, able, Math.min(standbys, able.length - 1), assigned);
  }
  return assigned;
}

/** Those that may own lanes of a stream. */
function ableMembers(stream: MemberStream, members: readonly Member[]): readonly Member[] {
  const versions = members.flatMap((member) => {
    const known = member.streams.find((other) => isSameStream(other, stream));
    return known === undefined ? [] : [{ member, version: known.typeVersion }];
  });
  const highest = Math.max(...versions.map(({ version }) => version));
  const able = versions.filter(({ version }) => version === highest).map(({ member }) => member);
  const staying = able.filter(({ leaving }) => !leaving);
  return staying.length > 0 ? staying : able;
}

/** Do both speak of one stream, in equal partitions? */
export function isSameStream(a: MemberStream, b: MemberStream): boolean {
  return a.name === b.name && a.created === b.created && a.partitions === b.partitions && a.type === b.type;
}

function shareStream(
  lanes: readonly Lane[],
  members: readonly Member[],
  standbys: number,
  assigned: Map<Lane, Assigned>,
): void {
  const owning = createShares(Math.ceil(lanes.length / members.length));
  const standingBy = createShares(Math.ceil((lanes.length * standbys) / members.length));
  const shared: { readonly others: readonly string[]; readonly chosen: string[] }[] = [];
  for (const lane of lanes) {
    const ranked = rankFor(lane, members);
    const owner = owning.take(ranked);
    if (owner === undefined) continue;
    const others = ranked.filter((id) => id !== owner);
    const chosen: string[] = [];
    while (chosen.length < standbys) {
      const free = others.filter((id) => !chosen.includes(id));
      chosen.push(standingBy.take(free) ?? standingBy.takeMore(free));
    }
    assigned.set(lane, { owner, standbys: chosen });
    shared.push({ others, chosen });
  }
  // Who has room may own just those lanes for which nobody else had any: it takes one of another's instead.
  for (const { others, chosen } of shared) {
    for (const [index, id] of chosen.entries()) {
      if (!standingBy.hasMore(id)) continue;
      const instead = standingBy.take(others.filter((other) => !chosen.includes(other)));
      if (instead === undefined) continue;
      standingBy.giveBack(id);
      chosen[index] = instead;
    }
  }
}

/** Ids of members, the one that ranks highest for the lane first. */
function rankFor({ stream, partition }: Lane, members: readonly Member[]): readonly string[] {
  const rank = (instance: string) => createHash("sha256").update(`${stream}/${partition}/${instance}`).digest("hex");
  return members
    .map(({ id, instance }) => ({ id, rank: rank(instance) + id }))
    .sort((a, b) => (a.rank < b.rank ? 1 : -1))
    .map(({ id }) => id);
}

/** Counts what each was given, up to a bound. */
function createShares(bound: number) {
  const given = new Map<string, number>();
  const count = (id: string) => given.get(id) ?? 0;

  function give(id: string): string {
    given.set(id, count(id) + 1);
    return id;
  }

  return {
    /** @returns the first that has room for one more. */
    take(ids: readonly string[]): string | undefined {
      const free = ids.find((id) => count(id) < bound);
      return free === undefined ? undefined : give(free);
    },
    /** Where nobody has room. @param ids - not none. */
    takeMore: ([id = ""]: readonly string[]): string => give(id),
    hasMore: (id: string): boolean => count(id) > bound,
    giveBack: (id: string): void => void given.set(id, count(id) - 1),
  };
}
