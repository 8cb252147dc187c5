import { hostname } from "node:os";
import type { Member } from "../members/member.ts";
import type { Health } from "../ops/health.ts";
import { fingerprintOf } from "../wire/fingerprint.ts";
import type { Lane } from "../wire/lanes.ts";
import { eventStream } from "../wire/names.ts";
import type { Parts } from "./parts.ts";

/** What this daemon says of itself to the others. */
export type OwnRecord = ReturnType<typeof createOwnRecord>;

/** @param id - new with every start. */
export function createOwnRecord(parts: Parts, id: string) {
  const { types, streams, own, readiness, reading, instance, version, siblings } = parts;
  const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
  const fixed = types.map((type) => {
    const name = eventStream(type);
    const created = streams.found.find((found) => found.name === name)?.created ?? "";
    const { partitions } = streams.topology;
    return { name, created, partitions, type: type.name, typeVersion: type.version, fingerprint: fingerprintOf(type) };
  });
  let leaving = false;
  let httpUrl: string | null = null;

  /** One that is another's to have and cannot be read here is not kept from it. */
  function heldLanes(): Lane[] {
    const kept = reading.ownership.kept();
    const troubled = reading.ownership.troubles().map(({ lane }) => lane);
    return own.taken().filter((lane) => !kept.includes(lane) || !troubled.includes(lane));
  }

  return {
    /** As it is now. */
    describe: () => ({
      ...{ id, instance, version, host: hostname(), pid: process.pid, startedAt, httpUrl, leaving },
      daemon: siblings?.daemon ?? null,
      ...readyOf(readiness.health()),
      lag: readiness.isAnswering() ? reading.lag.total() : null,
      rssBytes: process.memoryUsage.rss(),
      streams: fixed.map((stream) => ({
        ...stream,
        holds: partitionsOf(stream.name, heldLanes()),
        follows: partitionsOf(stream.name, own.followed()),
      })),
    }),
    /** It is about to end. */
    leave(): void {
      leaving = true;
    },
    /** Its HTTP API is there. */
    listensAt(url: string | null): void {
      httpUrl = url;
    },
  };
}

function readyOf({ ready, checks }: Health): Pick<Member, "ready" | "troubles"> {
  const failing = Object.values(checks).filter(({ ok }) => !ok);
  return { ready, troubles: failing.map(({ detail }) => detail) };
}

function partitionsOf(stream: string, lanes: readonly Lane[]): number[] {
  return lanes.filter((lane) => lane.stream === stream).map(({ partition }) => partition);
}
