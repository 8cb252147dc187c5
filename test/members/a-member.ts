import type { Member, MemberStream } from "../../src/members/member.ts";

/** What a member knows of the orders. */
export function knowing(what: Partial<MemberStream> = {}): MemberStream {
  const stream = { name: "ORDERS", created: "2026-01-01T00:00:00Z", partitions: 16, type: "order" };
  return { ...stream, typeVersion: 1, fingerprint: "a", holds: [], follows: [], ...what };
}

/** One that knows orders. */
export function aMember(id: string, what: Partial<Member> = {}): Member {
  return {
    ...{ id, instance: id, version: "0.1.0", host: "here", pid: 1, startedAt: "2026-01-01T00:00:00Z", httpUrl: null },
    ...{ leaving: false, daemon: null, ready: true, troubles: [], lag: 0, rssBytes: 1, streams: [knowing()] },
    ...what,
  };
}
