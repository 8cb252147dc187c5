import { z } from "zod";
import type { Lane } from "../wire/lanes.ts";

const partitions = z.array(z.int().min(0));

const memberStream = z.object({
  /** For example `ORDERS`. */
  name: z.string(),
  /** By which a stream is told from another one of that name. */
  created: z.string(),
  partitions: z.int().min(1),
  /** The actor type's name. */
  type: z.string(),
  typeVersion: z.int(),
  /** Of the type's contract, machine and rules, see `fingerprintOf`. */
  fingerprint: z.string(),
  /** Partitions it reads as their owner. */
  holds: partitions,
  /** Partitions of which its store is at most a little behind, without owning them: a standby's, or soon its own. */
  follows: partitions,
});

/** What a daemon says of itself: the answer to `natstate.daemons`, read when it is asked. */
export const member = z.object({
  /** New with every start. */
  id: z.string().min(1),
  /** The same after every start on the same data directory: it gets the lanes its store knows. */
  instance: z.string().min(1),
  /** Of natstate. */
  version: z.string(),
  host: z.string(),
  pid: z.int(),
  /** RFC 3339. */
  startedAt: z.string(),
  /** Null: it has no HTTP API, or not yet. */
  httpUrl: z.string().nullable(),
  /** It is about to end: lanes are not given to it any more. */
  leaving: z.boolean(),
  /** Which of several of one start it is, as its log and metrics say; null: it is alone. */
  daemon: z.string().nullable(),
  /** As `/readyz` says. */
  ready: z.boolean(),
  /** Why it is not ready, a line each. */
  troubles: z.array(z.string()),
  /** Messages unread in the lanes it holds; null when it is not known. */
  lag: z.number().nullable(),
  rssBytes: z.number(),
  /** One of each actor type it knows. */
  streams: z.array(memberStream),
});

export type Member = z.infer<typeof member>;
export type MemberStream = z.infer<typeof memberStream>;

/** @returns undefined when it is none. */
export function readMember(json: string): Member | undefined {
  try {
    return member.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

/** Does it read the lane as its owner? */
export function holdsLane({ streams }: Member, { stream, type, partition }: Lane): boolean {
  return streams.some((each) => each.name === stream && each.type === type.name && each.holds.includes(partition));
}

/** The highest version of each actor type that any of them knows, by name. */
export function highestVersions(members: readonly Member[]): Record<string, number> {
  const versions = new Map<string, number>();
  for (const { type, typeVersion } of members.flatMap(({ streams }) => streams)) {
    versions.set(type, Math.max(typeVersion, versions.get(type) ?? typeVersion));
  }
  return Object.fromEntries(versions);
}
