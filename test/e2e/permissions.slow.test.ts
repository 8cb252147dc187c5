import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, ExpectedActor } from "../../src/actor/actor-type.ts";
import { decodeContent } from "../../src/actor/decision.ts";
import { rehearsalOf } from "../../src/demo/traffic.ts";
import { openDeadLetters } from "../../src/jetstream/dead-letters.ts";
import { followInspection } from "../../src/jetstream/inspect-client.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { useRoles } from "./roles.ts";
import { getJson, traffic } from "./world.ts";

const type = orderType as ActorType;
const messages = traffic(40, 7);
const expected = rehearsalOf(type).expect(messages);
const roles = useRoles();

it("what the publisher sends is decided by the processor, and read by reader and operator; nothing is refused", async () => {
  await roles.publish(messages);
  await roles.settle();
  await checkOrders(expected);
  const letters = await openDeadLetters(roles.as("operator")).latest({}, 1000);
  expect(letters.length).toBe(messages.filter((message) => message.rejectedAs !== undefined).length);
  expect(roles.server.violations()).toEqual([]);
});

it("a store that was lost is filled again from the streams, and nothing is published twice", async () => {
  const before = await roles.decisions();
  await roles.loseStore();
  await roles.settle();
  await checkOrders(expected);
  expect(await roles.decisions()).toBe(before);
  expect(roles.server.violations()).toEqual([]);
});

it("the commands work as the role they are for", async () => {
  const [first = ""] = expected.keys();
  const asked = await Promise.all([
    roles.cli("reader", "get", first),
    roles.cli("reader", "history", first),
    roles.cli("reader", "list", "--limit", "3"),
    roles.cli("reader", "stats", "--json"),
    roles.cli("reader", "health", "--nats", roles.server.url("reader")),
    roles.cli("operator", "dead-letters", "list"),
    roles.cli("operator", "dead-letters", "show", "1"),
    roles.cli("operator", "dead-letters", "redrive", "1"),
    roles.cli("operator", "list"),
    roles.cli("publisher", "simulate", "--orders", "3", "--rate", "0"),
  ]);
  for (const { code, stderr } of asked) expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(asked[0]?.stdout).toContain(first);
  expect(roles.server.violations()).toEqual([]);
});

it.each(["operator", "reader"] as const)(
  "%s: inspects an order from another account, for longer than one answer and one question",
  async (role) => {
    const id = `inspected-by-${role}`;
    const told: string[] = [];
    const ending = new AbortController();
    const options = { redact: false, signal: ending.signal, renewMs: 20 };
    const following = (async () => {
      for await (const message of followInspection(roles.as(role), type, id, options)) told.push(message);
    })();
    await until("it is told", () => told.length === 3);
    const event = { orderId: id, eventType: "LoyaltyPointsUpdated", timestamp: "2026-01-01T00:00:00Z" };
    const fields = { pointsEarned: 1, totalPoints: 1, tierStatus: "gold" };
    await roles
      .as("publisher")
      .js.publish(`orders.${id}.LoyaltyPointsUpdated`, JSON.stringify({ ...event, ...fields }));
    await until("the event is told", () => told.length === 5);
    ending.abort();
    await following;
    expect(roles.server.violations()).toEqual([]);
  },
);

it("the store is held against the streams as the processor, by the daemon itself and by hand", async () => {
  const env = { ...roles.server.env("processor"), NATSTATE_DATA: roles.dataDir };
  for (const command of [["verify"], ["verify", "--all"], ["doctor"]]) {
    const { code, stdout, stderr } = await runCli(command, env);
    expect({ command, code, stdout, stderr }).toMatchObject({ code: 0 });
  }
  expect(roles.server.violations()).toEqual([]);
});

it("a redrive in the console, which publishes an event, says that the daemon may not and who may", async () => {
  const html = await (await fetch(`${roles.daemon.httpUrl}/`)).text();
  const token = /natstate-token" content="([\w-]+)"/.exec(html)?.[1] ?? "";
  const { deadLetters } = await getJson(roles.daemon, "/api/dead-letters?limit=1");
  const [{ sequence, publishedSequence }] = deadLetters;
  const response = await fetch(`${roles.daemon.httpUrl}/api/dead-letters/redrive`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-natstate-token": token },
    body: JSON.stringify({ sequences: [sequence] }),
  });
  const [{ outcome, error }] = ((await response.json()) as { deadLetters: [Failed] }).deadLetters;
  expect(outcome).toBe("failed");
  const command = `npx natstate dead-letters redrive ${publishedSequence}`;
  expect(error).toMatch(/^NATS does not let this user publish to orders\.\S+; as a user who may \(the operator\): /);
  expect(error.endsWith(`: ${command}`), error).toBe(true);
  expect(await roles.cli("operator", ...command.split(" ").slice(2))).toMatchObject({ code: 0 });
});

it("a command as a role it is not for says so, without a stack trace", async () => {
  const { code, stderr } = await roles.cli("reader", "dead-letters", "list");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^natstate: NATS does not allow this user to do that: .*DEAD_LETTERS"\n$/);
});

interface Failed {
  readonly outcome: string;
  readonly error: string;
}

async function checkOrders(model: ReadonlyMap<string, ExpectedActor>): Promise<void> {
  const queries = createQueryClient(roles.as("reader"));
  for (const [id, { state, completeness, events, decision }] of model) {
    const order = await queries.get(type, id);
    expect(order, id).toMatchObject({ processingStatus: state, dataCompleteness: completeness, version: events });
    const standing = order?.decision ?? null;
    expect(standing === null ? null : decodeContent(type, JSON.stringify(standing)), id).toEqual(decision);
  }
}
