import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, ExpectedActor, TrafficMessage } from "../../src/actor/actor-type.ts";
import { decodeContent } from "../../src/actor/decision.ts";
import { openDeadLetters } from "../../src/jetstream/dead-letters.ts";
import { openEventPublisher } from "../../src/jetstream/event-publisher.ts";
import { followInspection } from "../../src/jetstream/inspect-client.ts";
import { createStreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { createQueryClient } from "../../src/jetstream/query-client.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";
import { type Role, type SecureServer, startSecureServer } from "./secure-server.ts";
import { getJson, traffic } from "./world.ts";

const type = orderType as ActorType;
const messages = traffic(40, 7);
const expected = type.rehearsal.expect(messages);

let server: SecureServer;
let daemon: DaemonProcess;
let dataDir: string;
const sessions = new Map<Role, Session>();

beforeAll(async () => {
  server = await startSecureServer();
  dataDir = await mkdtemp(join(tmpdir(), "natstate-permissions-"));
  daemon = await startAsProcessor();
  for (const role of ["processor", "publisher", "reader", "operator"] as const) {
    sessions.set(role, await openSession({ url: server.url(role), ...access(role), name: role }, () => {}));
  }
});

afterAll(async () => {
  for (const session of sessions.values()) await session.close();
  await daemon?.stop();
  await server?.[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

const access = (role: Role) => ({ inboxPrefix: `_INBOX_${role}`, tls: { ca: server.tls.ca } });
const startAsProcessor = () =>
  startDaemonProcess({
    ...server.env("processor"),
    NATSTATE_DATA: dataDir,
    NATSTATE_SCRUB_INTERVAL: "20ms",
  });
const cli = (role: Role, ...args: string[]) => runCli(args, { ...server.env(role), NATSTATE_DATA: `${dataDir}/none` });

function as(role: Role): Session {
  const session = sessions.get(role);
  if (session === undefined) throw new Error(`no session of ${role}`);
  return session;
}

describe("the main job, each part as its own role", () => {
  it("what the publisher sends is decided by the processor, and read by reader and operator; nothing is refused", async () => {
    await publish(messages);
    await settle();
    await checkOrders(expected);
    const letters = await openDeadLetters(as("operator")).latest({}, 1000);
    expect(letters.length).toBe(messages.filter((message) => message.rejectedAs !== undefined).length);
    expect(server.violations()).toEqual([]);
  });

  it("a store that was lost is filled again from the streams, and nothing is published twice", async () => {
    const before = await decisions();
    await daemon.kill9();
    rmSync(dataDir, { recursive: true });
    daemon = await startAsProcessor();
    await settle();
    await checkOrders(expected);
    expect(await decisions()).toBe(before);
    expect(server.violations()).toEqual([]);
  });

  it("the commands work as the role they are for", async () => {
    const [first = ""] = expected.keys();
    const asked = await Promise.all([
      cli("reader", "get", first),
      cli("reader", "history", first),
      cli("reader", "list", "--limit", "3"),
      cli("reader", "stats", "--json"),
      cli("reader", "health", "--nats", server.url("reader")),
      cli("operator", "dead-letters", "list"),
      cli("operator", "dead-letters", "show", "1"),
      cli("operator", "dead-letters", "redrive", "1"),
      cli("operator", "list"),
      cli("publisher", "simulate", "--orders", "3", "--rate", "0"),
    ]);
    for (const { code, stderr } of asked) expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(asked[0]?.stdout).toContain(first);
    expect(server.violations()).toEqual([]);
  });

  it.each(["operator", "reader"] as const)(
    "%s: inspects an order from another account, for longer than one answer and one question",
    async (role) => {
      const id = `inspected-by-${role}`;
      const told: string[] = [];
      const ending = new AbortController();
      const options = { redact: false, signal: ending.signal, renewMs: 20 };
      const following = (async () => {
        for await (const message of followInspection(as(role), type, id, options)) told.push(message);
      })();
      await until("it is told", () => told.length === 3);
      const event = { orderId: id, eventType: "LoyaltyPointsUpdated", timestamp: "2026-01-01T00:00:00Z" };
      const fields = { pointsEarned: 1, totalPoints: 1, tierStatus: "gold" };
      await as("publisher").js.publish(`orders.${id}.LoyaltyPointsUpdated`, JSON.stringify({ ...event, ...fields }));
      await until("the event is told", () => told.length === 5);
      ending.abort();
      await following;
      expect(server.violations()).toEqual([]);
    },
  );

  it("the store is held against the streams as the processor, by the daemon itself and by hand", async () => {
    const env = { ...server.env("processor"), NATSTATE_DATA: dataDir };
    for (const command of [["verify"], ["verify", "--all"], ["doctor"]]) {
      const { code, stdout, stderr } = await runCli(command, env);
      expect({ command, code, stdout, stderr }).toMatchObject({ code: 0 });
    }
    expect(server.violations()).toEqual([]);
  });

  it("a redrive in the console, which publishes an event, says that the daemon may not and who may", async () => {
    const html = await (await fetch(`${daemon.httpUrl}/`)).text();
    const token = /natstate-token" content="([\w-]+)"/.exec(html)?.[1] ?? "";
    const { deadLetters } = await getJson(daemon, "/api/dead-letters?limit=1");
    const [{ sequence, publishedSequence }] = deadLetters;
    const response = await fetch(`${daemon.httpUrl}/api/dead-letters/redrive`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-natstate-token": token },
      body: JSON.stringify({ sequences: [sequence] }),
    });
    const [{ outcome, error }] = ((await response.json()) as { deadLetters: [Failed] }).deadLetters;
    expect(outcome).toBe("failed");
    const command = `npx natstate dead-letters redrive ${publishedSequence}`;
    expect(error).toMatch(/^NATS does not let this user publish to orders\.\S+; as a user who may \(the operator\): /);
    expect(error.endsWith(`: ${command}`), error).toBe(true);
    expect(await cli("operator", ...command.split(" ").slice(2))).toMatchObject({ code: 0 });
  });

  it("a command as a role it is not for says so, without a stack trace", async () => {
    const { code, stderr } = await cli("reader", "dead-letters", "list");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^natstate: NATS does not allow this user to do that: .*DEAD_LETTERS"\n$/);
  });
});

interface Failed {
  readonly outcome: string;
  readonly error: string;
}

const EVENT_API = ["STREAM.INFO", "DIRECT.GET", "STREAM.MSG.GET"].map((call) => `$JS.API.${call}.ORDERS`);
const DESTROYING = ["ORDERS", "DECISIONS", "DEAD_LETTERS"].flatMap((stream) =>
  ["STREAM.DELETE", "STREAM.PURGE", "STREAM.UPDATE", "STREAM.MSG.DELETE", "STREAM.RESTORE", "STREAM.SNAPSHOT"]
    .map((call) => `$JS.API.${call}.${stream}`)
    .concat(`$JS.API.CONSUMER.DELETE.${stream}.orders-0`),
);
const ACKS = ["$JS.ACK.ORDERS.orders-0.1.1.1.1.0", "$JS.ACK.hub.hash.ORDERS.orders-0.1.1.1.1.0"];
const TAKING = ["CONSUMER.RESET", "CONSUMER.UNPIN", "CONSUMER.MSG.NEXT", "CONSUMER.CREATE"].map(
  (call) => `$JS.API.${call}.ORDERS.orders-0`,
);
const SPEAKING = [
  "decisions.orders.x",
  "deadletters.orders.invalid_event",
  "_INBOX_processor.x",
  "_R_.x",
  "natstate.orders.x.y",
];
const OVERHEARING = [
  ">",
  "orders.>",
  "orders.*.*.*",
  "$JS.>",
  "$SRV.PING",
  "$SRV.PING.natstate",
  "natstate.orders.>",
  "_INBOX.>",
  "_INBOX_processor.>",
];

describe("what each role is refused", () => {
  const refused: Record<Role, { publish: string[]; subscribe: string[] }> = {
    publisher: {
      publish: [...SPEAKING, ...DESTROYING, ...ACKS, ...TAKING, ...EVENT_API]
        .concat("natstate.orders.get.x", "natstate.orders.quarantine.release.x", "orders.3.x.OrderCreated")
        .concat("$JS.API.DIRECT.GET.DECISIONS", "$JS.API.STREAM.LIST", "$JS.API.STREAM.CREATE.MINE"),
      subscribe: [...OVERHEARING, "decisions.orders.*", "_INBOX_reader.>", "_INBOX_operator.>"],
    },
    reader: {
      publish: [...SPEAKING, ...DESTROYING, ...ACKS, ...TAKING, ...EVENT_API]
        .concat("orders.x.PaymentProcessed", "natstate.orders.quarantine.release.x", "$JS.API.DIRECT.GET.DEAD_LETTERS")
        .concat("$JS.API.CONSUMER.CREATE.DECISIONS.mine", "$JS.API.STREAM.CREATE.MINE"),
      subscribe: [...OVERHEARING, "deadletters.>", "_INBOX_publisher.>", "_INBOX_operator.>"],
    },
    operator: {
      publish: [...SPEAKING.slice(0, 4), ...DESTROYING, ...ACKS, ...TAKING, ...EVENT_API].concat(
        "$JS.API.CONSUMER.CREATE.DECISIONS.mine",
        "$JS.API.STREAM.CREATE.MINE",
      ),
      subscribe: [...OVERHEARING, "_INBOX_publisher.>", "_INBOX_reader.>"],
    },
    processor: {
      publish: DESTROYING.concat("orders.x.PaymentProcessed", "$JS.API.STREAM.CREATE.OTHER", "$SYS.REQ.SERVER.PING"),
      subscribe: [">", "orders.>", "$JS.>", "$SYS.>", "_INBOX.>", "_INBOX_reader.>", "_INBOX_publisher.>"],
    },
  };

  it.each(Object.entries(refused))("%s", async (role, { publish, subscribe }) => {
    await using own = await rawSession(role as Role);
    for (const subject of publish) own.nc.publish(subject, "{}");
    for (const subject of subscribe) own.nc.subscribe(subject, { callback: () => {} });
    await own.nc.flush();
    const log = () => server.violations().filter((line) => line.includes(`/user:${role}"`));
    const missing = () => [
      ...publish.filter((subject) => !log().some((line) => line.includes(`Publish Violation - Subject "${subject}"`))),
      ...subscribe.filter(
        (subject) => !log().some((line) => line.includes(`Subscription Violation - Subject "${subject}"`)),
      ),
    ];
    // The log is written after the answer.
    await expect.poll(missing, { timeout: 3000 }).toEqual([]);
  });

  it("what may not be published is told at once, with the subject", async () => {
    const streams = createStreamPublisher(as("publisher"), 20_000);
    const decision = { subject: "decisions.orders.x", body: "{}", header: headers() };
    await expect(streams.publish(decision)).rejects.toThrow(
      'Permissions Violation for Publish to "decisions.orders.x"',
    );
    streams.stop();
  });

  it("no answer can be sent to a stream's subject, where it would be stored", async () => {
    const sizes = () => Promise.all(["DECISIONS", "DEAD_LETTERS", "ORDERS"].map(size));
    const before = await sizes();
    const answered = ["$JS.API.INFO", "$JS.API.DIRECT.GET.DECISIONS", "natstate.orders.stats", "$SRV.PING.natstate"];
    for (const role of ["reader", "operator", "publisher"] as const) {
      const { nc } = as(role);
      for (const reply of ["decisions.orders.x", "deadletters.orders.x", "orders.x.PaymentProcessed"]) {
        for (const subject of role === "publisher" ? answered.slice(0, 1) : answered) {
          nc.publish(subject, '{"seq":1}', { reply });
        }
      }
      await nc.flush();
    }
    // The acknowledgement of an event is an answer, too.
    as("publisher").nc.publish("orders.x.PaymentProcessed", "{}", { reply: "decisions.orders.x" });
    await until("the event is stored", async () => (await size("ORDERS")) > (before[2] ?? 0));
    await settle();
    expect(await sizes()).toEqual([before[0], (before[1] ?? 0) + 1, (before[2] ?? 0) + 1]);
  });

  it("no header of a publisher's message removes, replaces or schedules others", async () => {
    const given = {
      "Nats-Rollup": "all",
      "Nats-Schedule": "@every 1s",
      "Nats-TTL": "1s",
      "Nats-Marker-Reason": "Purge",
    };
    const before = await size("ORDERS");
    for (const [name, value] of Object.entries(given).slice(0, 3)) {
      const header = headers();
      header.set(name, value);
      const publishing = as("publisher").js.publish("orders.x.PaymentProcessed", "{}", { headers: header });
      await expect(publishing, name).rejects.toThrow();
    }
    expect(await size("ORDERS")).toBe(before);
  });

  it("a wrong password, another role's and none are refused, and not repeated in the message", async () => {
    const at = `127.0.0.1:${server.port}`;
    for (const login of ["reader:wrong-secret@", `reader:${encodeURIComponent(server.password("publisher"))}@`, ""]) {
      const connecting = openSession({ url: `tls://${login}${at}`, ...access("reader"), name: "intruder" }, () => {});
      const error: Error = await connecting.then(
        () => Error("it was let in"),
        (refusal) => refusal,
      );
      expect(error.message).toMatch(/authorization/i);
      expect(error.message).not.toMatch(/wrong-secret|geheim/);
    }
  });
});

async function publish(given: readonly TrafficMessage[]): Promise<void> {
  const publisher = await openEventPublisher({
    type,
    url: server.url("publisher"),
    ...access("publisher"),
    name: "services",
  });
  await Promise.all(given.map((message) => publisher.publish(message)));
  await publisher.close();
}

/** Everything stored is applied, every decision taken is published: as the streams and the daemon say. */
async function settle(): Promise<void> {
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0);
  const queries = createQueryClient(as("reader").nc);
  await until(
    "settled",
    async () => {
      const { events, deadLetters, decisions: taken } = await queries.stats(type);
      return (
        sum(events) + sum(deadLetters.byReason) >= (await size("ORDERS")) &&
        (await size("DEAD_LETTERS")) >= sum(deadLetters.byReason) &&
        (await decisions()) >= sum(taken.byType)
      );
    },
    25_000,
  );
}

/** Asked as the only one who may ask that. */
async function size(stream: string): Promise<number> {
  return (await as("processor").jsm.streams.info(stream)).state.messages;
}

async function decisions(): Promise<number> {
  return (await as("reader").jsm.streams.info("DECISIONS")).state.messages;
}

async function checkOrders(model: ReadonlyMap<string, ExpectedActor>): Promise<void> {
  const queries = createQueryClient(as("reader").nc);
  for (const [id, { state, completeness, events, decision }] of model) {
    const order = await queries.get(type, id);
    expect(order, id).toMatchObject({ processingStatus: state, dataCompleteness: completeness, version: events });
    const standing = order?.decision ?? null;
    expect(standing === null ? null : decodeContent(type, JSON.stringify(standing)), id).toEqual(decision);
  }
}

/** A connection for what is refused: it must not disturb the others. */
async function rawSession(role: Role): Promise<{ nc: NatsConnection } & AsyncDisposable> {
  const { nc, close } = await openSession({ url: server.url(role), ...access(role), name: "refused" }, () => {});
  return { nc, [Symbol.asyncDispose]: close };
}
