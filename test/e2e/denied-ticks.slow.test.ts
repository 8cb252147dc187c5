import { expect, it } from "vitest";
import { examineNats } from "../../src/care/examine-nats.ts";
import { createStreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { createTickPublisher } from "../../src/jetstream/tick-publisher.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { createLanes } from "../../src/wire/lanes.ts";
import { waitingType } from "../flow/waiting-type.ts";
import { until } from "../until.ts";
import { startSecureServer } from "./secure-server.ts";

/** The file is about orders: one that waits for a time. */
const type = { ...waitingType(), name: "order", collection: "orders", idField: "orderId" };
const lanes = createLanes([type], 4);
const topology = { partitions: 4, replicas: 1, maxAgeMs: 3_600_000, maxMessageBytes: 65_536, maxBytes: undefined };
const made = { ...topology, denyPurge: false, manage: true };

it.each([
  ["as it is", {}, true],
  ["without the line of the ticks", { '              "orders.*.TimePassed"\n': "" }, false],
])(
  "docs/nats-secure.conf %s: what the publisher and the doctor say of the processor's ticks",
  async (_, changes, may) => {
    await using server = await startSecureServer({ changes });
    const access = { url: server.url("processor"), inboxPrefix: "_INBOX_processor", tls: { ca: server.tls.ca } };
    const session = await openSession({ ...access, name: "test" }, () => {});
    await ensureStreams(session.jsm, [type], made, () => {});
    const add = 'add "orders.*.TimePassed" to what the processor may publish';

    const streams = createStreamPublisher(session, 5000);
    let published = 0;
    const publisher = createTickPublisher({ streams, onPublished: () => published++ });
    publisher.publish({ lane: lanes.ofActor(type, "o-1"), actorId: "o-1", due: "2026-01-01T10:00:00.000Z" });
    await until("it is answered", () => published > 0 || publisher.troubles().length > 0);
    streams.stop();
    expect(publisher.troubles()).toEqual(may ? [] : [expect.stringContaining(add)]);
    expect((await session.jsm.streams.info("ORDERS")).state.messages).toBe(may ? 1 : 0);

    const examination = { session, types: [type], lanes: lanes.all, topology: made, members: 1, serverConfig: null };
    const findings = await examineNats(examination);
    const finding = findings.find(({ check }) => check === "tell orders the time");
    if (may) expect(finding).toMatchObject({ level: "ok" });
    else expect(finding).toMatchObject({ level: "problem", advice: expect.stringContaining(add) });
    expect((await session.jsm.streams.info("ORDERS")).state.messages).toBe(may ? 1 : 0);
    await session.close();
  },
);
