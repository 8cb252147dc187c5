import { headers, type NatsConnection } from "@nats-io/transport-node";
import { beforeAll, expect, it } from "vitest";
import { createStreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { until } from "../until.ts";
import { useRoles } from "./roles.ts";
import type { Role } from "./secure-server.ts";
import { traffic } from "./world.ts";

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
/** All that a daemon has. */
const COPYING = ["natstate.daemons", "natstate.daemons.x.copy"];
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

const REFUSED: Record<Role, { publish: string[]; subscribe: string[] }> = {
  publisher: {
    publish: [...SPEAKING, ...DESTROYING, ...ACKS, ...TAKING, ...EVENT_API, ...COPYING]
      .concat("natstate.orders.get.x", "natstate.orders.quarantine.release.x", "orders.3.x.OrderCreated")
      .concat("$JS.API.DIRECT.GET.DECISIONS", "$JS.API.STREAM.LIST", "$JS.API.STREAM.CREATE.MINE")
      .concat("orders.x.TimePassed"),
    subscribe: [...OVERHEARING, "decisions.orders.*", "_INBOX_reader.>", "_INBOX_operator.>"],
  },
  reader: {
    publish: [...SPEAKING, ...DESTROYING, ...ACKS, ...TAKING, ...EVENT_API, ...COPYING]
      .concat("orders.x.PaymentProcessed", "natstate.orders.quarantine.release.x", "$JS.API.DIRECT.GET.DEAD_LETTERS")
      .concat("$JS.API.CONSUMER.CREATE.DECISIONS.mine", "$JS.API.STREAM.CREATE.MINE"),
    subscribe: [...OVERHEARING, "deadletters.>", "_INBOX_publisher.>", "_INBOX_operator.>"],
  },
  operator: {
    publish: [...SPEAKING.slice(0, 4), ...DESTROYING, ...ACKS, ...TAKING, ...EVENT_API, ...COPYING].concat(
      "$JS.API.CONSUMER.CREATE.DECISIONS.mine",
      "$JS.API.STREAM.CREATE.MINE",
      "orders.x.TimePassed",
    ),
    subscribe: [...OVERHEARING, "_INBOX_publisher.>", "_INBOX_reader.>"],
  },
  processor: {
    publish: DESTROYING.concat("orders.x.PaymentProcessed", "$JS.API.STREAM.CREATE.OTHER", "$SYS.REQ.SERVER.PING"),
    subscribe: [">", "orders.>", "$JS.>", "$SYS.>", "_INBOX.>", "_INBOX_reader.>", "_INBOX_publisher.>"],
  },
};

const roles = useRoles();

/** There is something in every stream that could be taken, changed or answered with. */
beforeAll(async () => {
  await roles.publish(traffic(40, 7));
  await roles.settle();
});

it.each(Object.entries(REFUSED))("the %s is refused what is not its own", async (role, { publish, subscribe }) => {
  await using own = await rawSession(role as Role);
  for (const subject of publish) own.nc.publish(subject, "{}");
  for (const subject of subscribe) own.nc.subscribe(subject, { callback: () => {} });
  await own.nc.flush();
  const log = () => roles.server.violations().filter((line) => line.includes(`/user:${role}"`));
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
  const streams = createStreamPublisher(roles.as("publisher"), 20_000);
  const decision = { subject: "decisions.orders.x", body: "{}", header: headers() };
  await expect(streams.publish(decision)).rejects.toThrow('Permissions Violation for Publish to "decisions.orders.x"');
  streams.stop();
});

it("of all events the processor may publish one: that time has passed", async () => {
  const { js, nc } = roles.as("processor");
  // Expecting another stream: the server lets it pass, and no stream stores it.
  const published = (subject: string) => js.publish(subject, "", { expect: { streamName: "NONE" }, timeout: 3000 });
  await expect(published("orders.x.TimePassed")).rejects.toThrow("expected stream does not match");
  for (const subject of [
    "orders.x.OrderCreated",
    "orders.x.y.TimePassed",
    "orders.TimePassed",
    "orders.3.x.TimePassed",
  ]) {
    await expect(published(subject), subject).rejects.toThrow("Permissions Violation");
  }
  await nc.flush();
});

it("no answer can be sent to a stream's subject, where it would be stored", async () => {
  const sizes = () => Promise.all(["DECISIONS", "DEAD_LETTERS", "ORDERS"].map(roles.size));
  const before = await sizes();
  const answered = ["$JS.API.INFO", "$JS.API.DIRECT.GET.DECISIONS", "natstate.orders.stats", "$SRV.PING.natstate"];
  for (const role of ["reader", "operator", "publisher"] as const) {
    const { nc } = roles.as(role);
    for (const reply of ["decisions.orders.x", "deadletters.orders.x", "orders.x.PaymentProcessed"]) {
      for (const subject of role === "publisher" ? answered.slice(0, 1) : answered) {
        nc.publish(subject, '{"seq":1}', { reply });
      }
    }
    await nc.flush();
  }
  // The acknowledgement of an event is an answer, too.
  roles.as("publisher").nc.publish("orders.x.PaymentProcessed", "{}", { reply: "decisions.orders.x" });
  await until("the event is stored", async () => (await roles.size("ORDERS")) > (before[2] ?? 0));
  await roles.settle();
  expect(await sizes()).toEqual([before[0], (before[1] ?? 0) + 1, (before[2] ?? 0) + 1]);
});

it("no header of a publisher's message removes, replaces or schedules others", async () => {
  const given = {
    "Nats-Rollup": "all",
    "Nats-Schedule": "@every 1s",
    "Nats-TTL": "1s",
    "Nats-Marker-Reason": "Purge",
  };
  const before = await roles.size("ORDERS");
  for (const [name, value] of Object.entries(given).slice(0, 3)) {
    const header = headers();
    header.set(name, value);
    const publishing = roles.as("publisher").js.publish("orders.x.PaymentProcessed", "{}", { headers: header });
    await expect(publishing, name).rejects.toThrow();
  }
  expect(await roles.size("ORDERS")).toBe(before);
});

it("a wrong password, another role's and none are refused, and not repeated in the message", async () => {
  const at = `127.0.0.1:${roles.server.port}`;
  for (const login of [
    "reader:wrong-secret@",
    `reader:${encodeURIComponent(roles.server.password("publisher"))}@`,
    "",
  ]) {
    const connecting = openSession(
      { url: `tls://${login}${at}`, ...roles.access("reader"), name: "intruder" },
      () => {},
    );
    const error: Error = await connecting.then(
      () => Error("it was let in"),
      (refusal) => refusal,
    );
    expect(error.message).toMatch(/authorization/i);
    expect(error.message).not.toMatch(/wrong-secret|geheim/);
  }
});

/** A connection for what is refused: it must not disturb the others. */
async function rawSession(role: Role): Promise<{ nc: NatsConnection } & AsyncDisposable> {
  const { nc, close } = await openSession(
    { url: roles.server.url(role), ...roles.access(role), name: "refused" },
    () => {},
  );
  return { nc, [Symbol.asyncDispose]: close };
}
