import type { MsgHdrs } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Delivery } from "../../src/flow/delivery.ts";
import type { Room } from "../../src/flow/delivery-queue.ts";
import { type LaneReader, readLane } from "../../src/jetstream/lane-reader.ts";
import type { Doubt } from "../../src/jetstream/lane-session.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { orderLane } from "../flow/delivery.ts";
import { startTestServer, type TestServer, TOPOLOGY } from "../server.ts";

export const lane: Lane = { ...orderLane, partition: 0 };
export let server: TestServer;
export let session: Session;
export let published = 0;

/** A server with the streams; ten more messages before each test. */
export function useLane(): void {
  beforeAll(async () => {
    published = 0;
    server = await startTestServer();
    session = await openSession({ url: server.url, name: "test" }, () => {});
    await ensureStreams(session.jsm, [lane.type], { ...TOPOLOGY, partitions: 1 });
  });
  afterAll(async () => {
    await session.close();
    await server.stop();
  });
  beforeEach(() => publish(10));
}

export interface Reading extends AsyncDisposable {
  readonly reader: LaneReader;
  readonly sequences: number[];
  readonly doubts: Doubt[];
  readonly mended: string[];
  readonly bodies: string[];
  checkpoint: number;
}

export const ALWAYS_ROOM: Room = { isFull: () => false, whenFree: () => Promise.resolve() };

/** Reads like the daemon does, as if every delivery were committed at once unless `commit` says otherwise. */
export function read(
  from: number,
  commit: (delivery: Delivery) => boolean = () => true,
  on = session,
  {
    manage = true,
    room = ALWAYS_ROOM,
    isFollowing = false,
  }: { manage?: boolean; room?: Room; isFollowing?: boolean } = {},
): Reading {
  const reading = {
    sequences: [] as number[],
    doubts: [] as Doubt[],
    mended: [] as string[],
    bodies: [] as string[],
    checkpoint: from,
  } as Reading;
  const reader = readLane({
    jsm: on.jsm,
    js: on.js,
    nc: on.nc,
    lane,
    isFollowing,
    manage,
    prepare: () => Promise.resolve(),
    checkpoint: () => reading.checkpoint,
    onDelivery(delivery) {
      reading.sequences.push(delivery.sequence);
      reading.bodies.push(Buffer.from(delivery.body).toString());
      if (!commit(delivery)) return;
      reading.checkpoint = delivery.sequence;
      delivery.ack();
    },
    onDoubt: (reason) => reading.doubts.push(reason),
    room,
    onChanged: () => {},
    onMended: (differences) => reading.mended.push(...differences),
  });
  return Object.assign(reading, { reader, [Symbol.asyncDispose]: () => reader.release() });
}

export async function publish(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => session.js.publish(`orders.o-${++published}.X`, "{}")));
}

/** Publishes one message as it is given. */
export async function publishAs(subject: string, body: string, header: MsgHdrs): Promise<void> {
  await session.js.publish(subject, body, { headers: header });
  published++;
}

export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
