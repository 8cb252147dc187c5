import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, ExpectedActor, TrafficMessage } from "../../src/actor/actor-type.ts";
import type { ActorCounts, ActorSummary, Counts, Stats } from "../../src/answers/queries.ts";
import { rehearsalOf } from "../../src/demo/traffic.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { until } from "../until.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, openWorld, traffic } from "./world.ts";

/* Three real daemons, each asked over HTTP for all. */

const PAGE = 20;
const PATIENCE_MS = 20_000;

interface OrderPage {
  readonly orders: readonly ActorSummary[];
  readonly nextCursor: string | null;
}

/** Asks again when it is told to, or told what is of the past, as a client of the API does. */
async function ask(daemon: DaemonProcess, path: string): Promise<unknown> {
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await fetch(`${daemon.httpUrl}${path}`);
    const body = (await answer.json()) as { readonly catchingUp?: true };
    const isOfNow = answer.status !== 503 && body.catchingUp === undefined;
    if (isOfNow || Date.now() > endMs) {
      expect({ status: answer.status, catchingUp: body.catchingUp }, path).toEqual({ status: 200 });
      return body;
    }
    await delay(1000 * Number(answer.headers.get("retry-after") ?? 0.1));
  }
}

/** Reads a list to its end. @param between - done after each page, told how many there were. */
async function readPages(daemon: DaemonProcess, between: (pages: number) => Promise<void>): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = "";
  for (let pages = 1; cursor !== null; pages++) {
    const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const { orders, nextCursor } = (await ask(daemon, `/api/orders?limit=${PAGE}${query}`)) as OrderPage;
    ids.push(...orders.map(({ orderId }) => orderId as string));
    cursor = nextCursor;
    await between(pages);
  }
  return ids;
}

/** @param stored - messages in ORDERS: a publisher that retries may have stored one twice. */
function expectStats(stats: Stats, expected: Map<string, ExpectedActor>, stored: number): void {
  const models = [...expected.values()];
  const { total, byState } = stats.orders as ActorCounts;
  expect(total).toBe(expected.size);
  expect(there(byState)).toEqual(countBy(models, ({ state }) => state));
  expect(there(stats.completeness.byPercent)).toEqual(countBy(models, ({ completeness }) => String(completeness)));
  const standing = models.flatMap(({ decision }) => decision?.decisionType ?? []);
  expect(there(stats.standing.byType)).toEqual(countBy(standing, (decisionType) => decisionType));
  const { applied, superseded } = stats.events;
  expect(applied + superseded).toBe(models.reduce((sum, { events }) => sum + events, 0));
  expect(sum(stats.events) + sum(stats.deadLetters.byReason)).toBe(stored);
}

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, count) => all + count, 0);
const there = (counts: Counts) => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

function countBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(items, nameOf)].map(([name, { length }]) => [name, length]));
}

const expectOf = (messages: readonly TrafficMessage[]) => rehearsalOf(orderType as ActorType).expect(messages);

it("any of three daemons answers for all, and a list read through pages lacks and doubles nothing while one is killed", async () => {
  await using world = await openWorld();
  const messages = traffic(240, 46);
  const expected = expectOf(messages);
  const env = (name: string) => ({ NATSTATE_DATA: join(world.dataDir, name) });
  const [first, second, third] = await Promise.all(["first", "second", "third"].map((name) => world.start(env(name))));
  if (first === undefined || second === undefined || third === undefined) throw new Error("three were started");
  const daemons = [first, second, third];
  await until("each has its share", async () => {
    const { daemons: there, unread } = await getJson(first, "/api/daemons");
    const held: number[] = there.map(({ streams }: { streams: { holds: number[] }[] }) => streams[0]?.holds.length);
    return unread.length === 0 && held.length === 3 && Math.max(...held) <= 6 && held.reduce((a, b) => a + b) === 16;
  });
  await world.publish(messages);
  await world.settle(second);
  const stored = await world.streamSize("ORDERS");
  for (const daemon of daemons) {
    await world.check(daemon, messages);
    expectStats((await ask(daemon, "/api/stats")) as Stats, expected, stored);
  }
  const ids = await readPages(first, async (pages) => {
    if (pages === 3) await third.kill9();
  });
  expect(ids.length).toBeGreaterThan(6 * PAGE);
  expect(ids.toSorted()).toEqual([...expected.keys()].sort());
  for (const daemon of [first, second]) {
    expect(await readPages(daemon, async () => {})).toEqual(ids);
    expectStats((await ask(daemon, "/api/stats")) as Stats, expected, stored);
    await world.check(daemon, messages);
  }

  // Frozen, its partitions have nobody for a while: who asks is told so after 2 s, and not before.
  const held = await until("both have their share again", async () => {
    const { daemons: there, unread } = await getJson(first, "/api/daemons");
    const other = there.find(({ pid }: { pid: number }) => pid === second.pid);
    return there.length === 2 && unread.length === 0 && (other.streams[0].holds as number[]);
  });
  const far = ids.find((id) => held.includes(partitionOf(id, 16)));
  second.signal("SIGSTOP");
  const askedMs = performance.now();
  const { status, headers } = await fetch(`${first.httpUrl}/api/orders/${far}`);
  const tookMs = performance.now() - askedMs;
  second.signal("SIGCONT");
  expect({ status, retry: headers.get("retry-after") }).toEqual({ status: 503, retry: "1" });
  expect(tookMs).toBeGreaterThan(1900);
  expect(tookMs).toBeLessThan(2900);
}, 120_000);
