import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineActor, type MachineEvents } from "natstate";
import pino from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { setup } from "xstate";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { type RebuildError, rebuild } from "../../src/care/rebuild.ts";
import { readConfig } from "../../src/config/config.ts";
import { openDaemon } from "../../src/daemon/daemon.ts";
import { topologyOf } from "../../src/daemon/nats-setup.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { DECISIONS_STREAM } from "../../src/wire/names.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

/* Rules that change where there are data, and what a rebuild says of it. */

const events = { SeatHeld: z.object({}), SeatPaid: z.object({}) };
const machine = setup({ types: { events: {} as MachineEvents<typeof events> } }).createMachine({
  initial: "free",
  states: { free: { on: { SeatHeld: "held", SeatPaid: "paid" } }, held: { on: { SeatPaid: "paid" } }, paid: {} },
});

/** Who is in this state, or beyond it, is asked for a price. */
function booking(version: number, from: "held" | "paid", price: number): ActorType {
  const type = defineActor({
    name: "booking",
    version,
    events,
    machine,
    decisions: { PriceAsked: z.object({ price: z.number() }) },
    conclude: ({ matches }) => ({
      content: matches(from) || matches("paid") ? { decisionType: "PriceAsked", price } : null,
    }),
  });
  return type as ActorType;
}

let server: TestServer;
let session: Session;
const dataDir = mkdtempSync(join(tmpdir(), "natstate-raised-"));
const env = () => ({
  NATS_URL: server.url,
  NATSTATE_DATA: dataDir,
  NATSTATE_HTTP: "off",
  NATSTATE_PARTITIONS: "2",
  NATSTATE_SCRUB_INTERVAL: "off",
});

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
});
afterAll(async () => {
  await session.close();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Lets a daemon with these rules hear an event each of these actors, and publish so many decisions. */
async function hear(type: ActorType, ids: readonly string[], event: string, decisions: number): Promise<void> {
  const config = readConfig(env());
  const onFatal = (error: Error) => expect.fail(error.message);
  const logger = pino({ level: "silent" });
  const daemon = await openDaemon({ config, env: env(), types: [type], logger, acceptStreams: [], onFatal });
  try {
    for (const id of ids) {
      const fields = { eventId: `${id}-${event}`, timestamp: "2026-01-01T00:00:00Z", bookingId: id, eventType: event };
      await session.js.publish(`bookings.${id}.${event}`, JSON.stringify(fields));
    }
    await until("it is decided", async () => {
      const { state } = await session.jsm.streams.info(DECISIONS_STREAM);
      return state.messages === decisions && daemon.health().checks.publisher.detail.startsWith("0 ");
    });
  } finally {
    await daemon.stop();
  }
}

function rebuildBy(type: ActorType, acceptDifferences = false) {
  const { partitions } = topologyOf(readConfig(env()));
  const lanes = lanesOf(type, partitions);
  const storeFile = join(dataDir, "natstate.db");
  const limits = { maxBytes: 65_536, acceptDifferences };
  return rebuild({ log: session, types: [type], lanes, storeFile, ...limits, onProgress: () => {} });
}

it("what a raised version explains does not stop a rebuild, what it does not explain does", async () => {
  const before = booking(1, "held", 10);
  await hear(before, ["a", "b", "c"], "SeatHeld", 3);
  // Rules that have changed under the same version.
  const refused = await rebuildBy(booking(1, "paid", 20)).catch((error: unknown) => error as RebuildError);
  expect((refused as RebuildError).message).toMatch(
    /published decisions that do not follow from the log: 3, .*\n *3 decisions are not as DECISIONS has them: . revision 1/,
  );

  const after = booking(2, "paid", 20);
  // It has heard something since, and is of the new version already.
  await hear(after, ["c"], "SeatPaid", 4);
  expect(await rebuildBy(after)).toMatchObject({
    actors: 3,
    differences: [],
    explained: [expect.stringMatching(/^2 decisions are not as DECISIONS has them: .* \(booking, version 1 → 2\)$/)],
  });
});
