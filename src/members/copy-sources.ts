import type { NatsConnection } from "@nats-io/transport-node";
import type { Lane } from "../wire/lanes.ts";
import { askMembers } from "./ask-members.ts";
import type { CopyTaking, LaneAt } from "./copy-taking.ts";
import type { Member } from "./member.ts";

export interface CopySource {
  readonly member: Member;
  readonly at: LaneAt;
}

/** Finds out who has read how much of a lane: its owner, a follower, or a daemon that once had it. */
export type CopySources = ReturnType<typeof createCopySources>;

interface FoundSource {
  readonly source: CopySource | undefined;
  /** Why one of them could not be asked. */
  readonly failure: Error | undefined;
}

const ANSWER_MS = 500;

/** @param instance - of our data directory: we are not asked. */
export function createCopySources(nc: NatsConnection, instance: string, ask: CopyTaking["ask"]) {
  return {
    /** The other daemons that answer now and know the stream. */
    async members(stream: string): Promise<readonly Member[]> {
      const there = [...(await askMembers(nc, undefined, ANSWER_MS)).values()];
      return there.filter((each) => each.instance !== instance && each.streams.some(({ name }) => name === stream));
    },
    /** The one of these that has read the most of the lane. */
    async find(lane: Lane, members: readonly Member[]): Promise<FoundSource> {
      const asked = members.map(async (member) => ({ member, at: await ask(lane, member.id) }));
      const settled = await Promise.allSettled(asked);
      const sources = settled.flatMap((each): CopySource[] => {
        if (each.status === "rejected" || each.value.at === undefined) return [];
        return [{ member: each.value.member, at: each.value.at }];
      });
      return {
        source: sources.toSorted((a, b) => readTo(b.at) - readTo(a.at))[0],
        failure: settled.find((each) => each.status === "rejected")?.reason as Error | undefined,
      };
    },
  };
}

/** Up to where nothing of the lane is unread there. */
export function readTo({ stand }: LaneAt): number {
  return Math.max(stand.checkpoint, stand.intactTo);
}

export function hasTaken({ streams }: Member, { stream, partition }: Lane): boolean {
  return streams.some(({ name, holds, follows }) => name === stream && [...holds, ...follows].includes(partition));
}
