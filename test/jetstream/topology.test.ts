import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { NatsSetupError } from "../../src/jetstream/connect.ts";
import { ensureConsumer } from "../../src/jetstream/lane-consumer.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { checkTopology, ensureStreams } from "../../src/jetstream/topology.ts";
import { createTopologyWatch } from "../../src/jetstream/topology-watch.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { createTestClock } from "../clock.ts";
import { startSecureServer } from "../e2e/secure-server.ts";
import { parcelType } from "../parcel.ts";
import { startTestServer, type TestServer, TOPOLOGY } from "../server.ts";

const type = orderType as ActorType;
let server: TestServer;
let session: Session;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
});
afterAll(async () => {
  await session.close();
  await server.stop();
});

it("streams and consumers are created once and found again", async () => {
  await expect(ensureStreams(session.jsm, [type], { ...TOPOLOGY, manage: false })).rejects.toThrow(/MANAGE_STREAMS/);
  const created = await ensureStreams(session.jsm, [type], TOPOLOGY);
  expect(created).toMatchObject([
    { name: "ORDERS", lastSequence: 0 },
    { name: "DECISIONS", lastSequence: 0 },
    { name: "DEAD_LETTERS", lastSequence: 0 },
  ]);
  expect(await ensureStreams(session.jsm, [type], { ...TOPOLOGY, manage: false })).toEqual(created);
  const lane = { type, stream: "ORDERS", partition: 0 };
  const onChanged = () => expect.fail("it is as it should be");
  await ensureConsumer({ jsm: session.jsm, lane, manage: true, onChanged });
  await ensureConsumer({ jsm: session.jsm, lane, manage: false, onChanged });
});

it.each([
  [
    { partitions: 8 },
    "stream ORDERS is not as configured: subject_transform is 16 partitions, NATSTATE_PARTITIONS is 8. Set NATSTATE_PARTITIONS=16",
  ],
  [
    { maxAgeMs: 1_800_000 },
    "streams DECISIONS, DEAD_LETTERS, ORDERS are not as configured: max_age is 1h, NATSTATE_MAX_AGE is 30m. Set NATSTATE_MAX_AGE=1h, or change it back by nats stream edit with --max-age=30m",
  ],
  [
    { replicas: 3 },
    "streams DECISIONS, DEAD_LETTERS, ORDERS are not as configured: num_replicas is 1, NATSTATE_REPLICAS is 3. Set NATSTATE_REPLICAS=1, or change it back by nats stream edit with --replicas=3",
  ],
  [
    { maxMessageBytes: 1024 },
    "stream ORDERS is not as configured: max_msg_size is 65536, NATSTATE_MAX_MESSAGE_BYTES is 1024. Set NATSTATE_MAX_MESSAGE_BYTES=65536, or change it back by nats stream edit with --max-msg-size=1024",
  ],
])("a different setting, %j, is refused in one line, and changes nothing", async (change, message) => {
  await expect(ensureStreams(session.jsm, [type], { ...TOPOLOGY, ...change })).rejects.toThrow(
    new NatsSetupError(message),
  );
  await ensureStreams(session.jsm, [type], TOPOLOGY);
});

it("several differences are one line as well", async () => {
  const change = { replicas: 3, maxAgeMs: 86_400_000, denyPurge: true };
  const starting = ensureStreams(session.jsm, [type], { ...TOPOLOGY, ...change });
  await expect(starting).rejects.toThrow(
    /^streams [^\n]*NATSTATE_REPLICAS is 3; [^\n]*NATSTATE_DENY_PURGE is true; max_age is 1h, NATSTATE_MAX_AGE is 1d\. Set NATSTATE_REPLICAS=1 and NATSTATE_DENY_PURGE=false and NATSTATE_MAX_AGE=1h$/,
  );
});

describe("a stream that throws away what a store is derived from", () => {
  const streams = ["ORDERS", "DECISIONS", "DEAD_LETTERS"];
  const flat = {
    max_msgs_per_subject: -1,
    max_msgs: -1,
    max_bytes: -1,
    discard: "old",
    allow_rollup_hdrs: false,
  } as const;

  beforeAll(() => ensureStreams(session.jsm, [type], TOPOLOGY));
  afterEach(async () => {
    for (const stream of streams) await session.jsm.streams.update(stream, flat);
  });

  it.each([
    [{ max_msgs_per_subject: 1 }, "--max-msgs-per-subject=-1"],
    [{ max_msgs: 1000 }, "--discard=new"],
    [{ max_bytes: 1_000_000 }, "--discard=new"],
    [{ allow_rollup_hdrs: true }, "--no-allow-rollup"],
  ])("%j is refused, whichever it is, with the command, and found while it runs", async (edit, flags) => {
    const watch = createTopologyWatch(session.jsm, [type], TOPOLOGY);
    const lane = { type, stream: "ORDERS", partition: 0 };
    for (const stream of streams) {
      await session.jsm.streams.update(stream, edit);
      const starting = ensureStreams(session.jsm, [type], TOPOLOGY);
      await expect(starting).rejects.toThrow(new RegExp(`^stream ${stream} .* nats stream edit ${stream} ${flags}$`));
      const findings = await checkTopology(session.jsm, [type], [], TOPOLOGY);
      const found = { state: "different", remedy: `To change it: nats stream edit ${stream} ${flags}` };
      expect(findings.find(({ what }) => what === `stream ${stream}`)).toMatchObject(found);
      await session.jsm.streams.update(stream, flat);
    }
    await session.jsm.streams.update("DECISIONS", edit);
    await watch.look();
    expect(watch.troubles()).toEqual([expect.stringMatching(`stream DECISIONS .* ${flags}$`)]);
    await expect(watch.refuse([lane], false)).rejects.toThrow(/stream DECISIONS/);
  });

  it("an event stream that does so is taken over by nobody, and its owner goes on", async () => {
    const clock = createTestClock();
    const watch = createTopologyWatch(session.jsm, [type], TOPOLOGY, clock);
    await watch.look();
    await session.jsm.streams.update("ORDERS", { max_msgs_per_subject: 5 });
    // What was asked a moment ago is not asked again.
    await watch.look();
    expect(watch.troubles()).toEqual([]);
    await clock.pass(2000);
    await watch.look();
    const lane = { type, stream: "ORDERS", partition: 0 };
    await expect(watch.refuse([lane], true)).rejects.toThrow(/stream ORDERS .*max_msgs_per_subject is 5/);
    await expect(watch.refuse([lane], false)).resolves.toBeUndefined();
    expect(watch.isRedirected("ORDERS")).toBe(false);
  });

  it("one that stores events elsewhere is read by nobody", async () => {
    const { config } = await session.jsm.streams.info("ORDERS");
    const elsewhere = { src: "orders.*.*", dest: "orders.{{partition(4,1)}}.{{wildcard(1)}}.{{wildcard(2)}}" };
    await session.jsm.streams.update("ORDERS", { subject_transform: elsewhere });
    const watch = createTopologyWatch(session.jsm, [type], TOPOLOGY);
    await watch.look();
    expect(watch.isRedirected("ORDERS")).toBe(true);
    await expect(watch.refuse([{ type, stream: "ORDERS", partition: 0 }], false)).rejects.toThrow(/--transform-source/);
    await session.jsm.streams.update("ORDERS", config);
  });

  it("one that is bounded and refuses what it has no room for loses nothing", async () => {
    for (const stream of streams) await session.jsm.streams.update(stream, { max_bytes: 1_000_000, discard: "new" });
    await expect(ensureStreams(session.jsm, [type], TOPOLOGY)).resolves.toBeDefined();
  });
});

it("what a stream cannot be rid of again is refused, and what to do is said", async () => {
  await using own = await startTestServer();
  const other = await openSession({ url: own.url, name: "test" }, () => {});
  await ensureStreams(other.jsm, [type], TOPOLOGY);
  await other.jsm.streams.update("ORDERS", { allow_msg_ttl: true });
  await expect(ensureStreams(other.jsm, [type], TOPOLOGY)).rejects.toThrow(
    /cannot take back allow_msg_ttl: move ORDERS/,
  );
  await other.close();
});

it("the server puts an order into the partition we compute", async () => {
  await ensureStreams(session.jsm, [type], TOPOLOGY);
  const ids = Array.from({ length: 200 }, (_, i) => `Order_${i * 7919}:${i}-x`);
  const acks = await Promise.all(ids.map((id) => session.js.publish(`orders.${id}.OrderCreated`, "{}")));
  for (const [index, ack] of acks.entries()) {
    const message = await session.jsm.streams.getMessage("ORDERS", { seq: ack.seq });
    const id = ids[index] ?? "";
    expect(message?.subject).toBe(`orders.${partitionOf(id, 16)}.${id}.OrderCreated`);
  }
});

describe("a second actor type on the streams of the first", () => {
  let own: TestServer;
  let jsm: Session["jsm"];
  let close: Session["close"];

  beforeEach(async () => {
    own = await startTestServer();
    ({ jsm, close } = await openSession({ url: own.url, name: "test" }, () => {}));
    await ensureStreams(jsm, [type], { ...TOPOLOGY, denyPurge: true });
  });
  afterEach(async () => {
    await close();
    await own.stop();
  });

  const configOf = async (stream: string) => (await jsm.streams.info(stream)).config;
  const both = [type, parcelType];

  it("its subjects are added, nothing else changes, and the first type alone lets them be and says so", async () => {
    const before = await configOf("DECISIONS");
    const found = await ensureStreams(jsm, both, { ...TOPOLOGY, denyPurge: true });
    expect(found.map(({ name }) => name)).toEqual(["ORDERS", "PARCELS", "DECISIONS", "DEAD_LETTERS"]);
    const subjects = ["decisions.orders.*", "decisions.parcels.*"];
    expect(await configOf("DECISIONS")).toEqual({ ...before, subjects });
    expect((await configOf("DEAD_LETTERS")).subjects).toEqual(["deadletters.orders.*", "deadletters.parcels.*"]);
    // In another order they are the same.
    await ensureStreams(jsm, both.toReversed(), { ...TOPOLOGY, denyPurge: true, manage: false });
    const said: unknown[] = [];
    const asFirst = { ...TOPOLOGY, denyPurge: true, manage: false };
    await ensureStreams(jsm, [type], asFirst, (...surplus) => said.push(surplus));
    expect(said).toEqual([
      ["DECISIONS", ["decisions.parcels.*"]],
      ["DEAD_LETTERS", ["deadletters.parcels.*"]],
    ]);
    expect((await checkTopology(jsm, [type], [], asFirst)).map(({ state }) => state)).not.toContain("different");
    expect((await configOf("DECISIONS")).subjects).toEqual(subjects);
    // What is of no actor type is another matter.
    await jsm.streams.update("DECISIONS", { subjects: [...subjects, "decisions.orders.x.>", "others.*"] });
    await expect(ensureStreams(jsm, [type], asFirst)).rejects.toThrow(
      '--subjects "decisions.parcels.*,decisions.orders.*"',
    );
  });

  it("streams that are only checked are named all at once, each with its command", async () => {
    const checking = ensureStreams(jsm, both, { ...TOPOLOGY, denyPurge: true, manage: false });
    const { message } = (await checking.catch((error) => error)) as Error;
    expect(message.split("\n")).toEqual([
      expect.stringMatching(
        /^stream DECISIONS is not as configured: subjects is .* nats stream edit DECISIONS --subjects "decisions\.orders\.\*,decisions\.parcels\.\*"$/,
      ),
      expect.stringMatching(
        / nats stream edit DEAD_LETTERS --subjects "deadletters\.orders\.\*,deadletters\.parcels\.\*"$/,
      ),
      expect.stringMatching(/^stream PARCELS does not exist/),
    ]);
    expect(message).not.toMatch(/partitions/);
  });

  it("where something else differs, too, nothing is added and nothing created", async () => {
    const starting = ensureStreams(jsm, both, { ...TOPOLOGY, denyPurge: true, partitions: 8 });
    await expect(starting).rejects.toThrow(/^stream ORDERS is not as configured: subject_transform/);
    expect((await configOf("DECISIONS")).subjects).toEqual(["decisions.orders.*"]);
    await expect(configOf("PARCELS")).rejects.toThrow(/not found/);
  });

  it("subjects that another stream holds already are refused with the server's reason", async () => {
    await jsm.streams.add({ name: "OTHER", subjects: ["decisions.parcels.*"] });
    const starting = ensureStreams(jsm, both, { ...TOPOLOGY, denyPurge: true });
    await expect(starting).rejects.toThrow(/^stream DECISIONS lacks subjects, and the server refuses them: .*overlap/);
  });
});

it("a user who may not change streams is told what an administrator has to do, all at once", async () => {
  const refusal = async (changes: Record<string, string>) => {
    await using secure = await startSecureServer({ changes });
    const access = { inboxPrefix: "_INBOX_processor", tls: { ca: secure.tls.ca } };
    const { jsm, close } = await openSession({ url: secure.url("processor"), ...access, name: "test" }, () => {});
    try {
      await ensureStreams(jsm, [type], TOPOLOGY);
      const error: Error = await ensureStreams(jsm, [type, parcelType], TOPOLOGY).then(fail, (refused) => refused);
      return [error.name, ...error.message.split("\n")];
    } finally {
      await close();
    }
  };
  const commands = [
    expect.stringMatching(
      /^stream DECISIONS .*nats stream edit DECISIONS --subjects "decisions\.orders\.\*,decisions\.par/,
    ),
    expect.stringMatching(
      /^stream DEAD_LETTERS .*nats stream edit DEAD_LETTERS --subjects "deadletters\.orders\.\*,dea/,
    ),
  ];
  const parcels = expect.stringMatching(/^stream PARCELS: NATS does not let this user look at it /);
  expect(await refusal({})).toEqual(["NatsSetupError", ...commands, parcels]);
  const info = '"$JS.API.STREAM.INFO.ORDERS"';
  const known = { [info]: `${info}, "$JS.API.STREAM.INFO.PARCELS", "$JS.API.STREAM.CREATE.PARCELS"` };
  expect(await refusal(known)).toEqual(["NatsSetupError", ...commands]);
});

function fail(): never {
  throw new Error("it was not refused");
}
