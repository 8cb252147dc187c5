import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { examineNats } from "../../src/care/examine-nats.ts";
import { createStreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { createTickPublisher } from "../../src/jetstream/tick-publisher.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { createLanes } from "../../src/wire/lanes.ts";
import { until } from "../until.ts";
import { startDaemonProcess } from "./daemon-process.ts";
import { startSecureServer } from "./secure-server.ts";
import { waitingOrder as type } from "./waiting-orders.ts";
import { getJson } from "./world.ts";

const lanes = createLanes([type], 4);
const topology = { partitions: 4, replicas: 1, maxAgeMs: 3_600_000, maxMessageBytes: 65_536, maxBytes: undefined };
const WITHOUT_LINE = { '              "orders.*.TimePassed"\n': "" };
const ADD = 'add "orders.*.TimePassed" to what the processor may publish';
const made = { ...topology, denyPurge: false, manage: true };

it.each([
  ["as it is", {}, true],
  ["without the line of the ticks", WITHOUT_LINE, false],
])(
  "docs/nats-secure.conf %s: what the publisher and the doctor say of the processor's ticks",
  async (_, changes, may) => {
    await using server = await startSecureServer({ changes });
    const access = { url: server.url("processor"), inboxPrefix: "_INBOX_processor", tls: { ca: server.tls.ca } };
    const session = await openSession({ ...access, name: "test" }, () => {});
    await ensureStreams(session.jsm, [type], made, () => {});
    const streams = createStreamPublisher(session, 5000);
    let published = 0;
    const publisher = createTickPublisher(streams, () => published++);
    publisher.publish({ lane: lanes.ofActor(type, "o-1"), actorId: "o-1", due: "2026-01-01T10:00:00.000Z" });
    await until("it is answered", () => published > 0 || publisher.troubles().length > 0);
    streams.stop();
    expect(publisher.troubles()).toEqual(may ? [] : [expect.stringContaining(ADD)]);
    expect((await session.jsm.streams.info("ORDERS")).state.messages).toBe(may ? 1 : 0);

    const examination = { session, types: [type], lanes: lanes.all, topology: made, members: 1, serverConfig: null };
    const findings = await examineNats(examination);
    const finding = findings.find(({ check }) => check === "tell orders the time");
    if (may) expect(finding).toMatchObject({ level: "ok" });
    else expect(finding).toMatchObject({ level: "problem", advice: expect.stringContaining(ADD) });
    expect((await session.jsm.streams.info("ORDERS")).state.messages).toBe(may ? 1 : 0);
    await session.close();
  },
);

it("a daemon that may not publish ticks is not ready as soon as one is due, and says what to add", async () => {
  await using server = await startSecureServer({ changes: WITHOUT_LINE });
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-denied-"));
  const env = { ...server.env("processor"), NATSTATE_DATA: dataDir };
  const daemon = await startDaemonProcess(env, ["--actors", "test/e2e/waiting-orders.ts"]);
  const access = { url: server.url("publisher"), inboxPrefix: "_INBOX_publisher", tls: { ca: server.tls.ca } };
  const session = await openSession({ ...access, name: "test" }, () => {});
  // Its hour ends in a second.
  const timestamp = new Date(Date.now() - 3_599_000).toISOString();
  await session.js.publish("orders.o-1.Filed", JSON.stringify({ orderId: "o-1", eventType: "Filed", timestamp }));
  const { publisher } = await until("it is not ready", async () => {
    const { ready, checks } = await getJson(daemon, "/readyz");
    return !ready && checks;
  });
  expect(publisher).toEqual({ ok: false, detail: expect.stringContaining(ADD) });
  await until("the log says it", () => daemon.output().includes("orders.*.TimePassed"));
  await session.close();
  expect(await daemon.stop()).toBe(0);
  rmSync(dataDir, { recursive: true });
}, 60_000);
