import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import type { StoredMessage } from "../../src/flow/delivery.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { DEADLINE_MS } from "./short-checkout.ts";
import { getJson, openWorld, type World } from "./world.ts";

const ACTORS = ["--actors", "test/e2e/short-checkout.ts"];
const EXPIRED = { decisionType: "CheckoutClosed", reason: "expired", toReturn: 0 };
const PAID = { decisionType: "CheckoutPaid", amount: 40 };

interface Told {
  readonly checkoutId: string;
  readonly eventType: string;
  readonly [field: string]: unknown;
}

async function tell({ session }: World, atMs: number, event: Told): Promise<void> {
  const { checkoutId, eventType } = event;
  const body = JSON.stringify({ ...event, timestamp: new Date(atMs).toISOString() });
  await session.js.publish(`checkouts.${checkoutId}.${eventType}`, body);
}

/** A cart that nobody has paid yet. @returns when it began, ms since the epoch. */
async function begin(world: World, checkoutId: string): Promise<number> {
  const nowMs = Date.now();
  await tell(world, nowMs, { checkoutId, eventType: "CheckoutStarted", total: 40 });
  return nowMs;
}

const pay = (world: World, checkoutId: string, atMs: number) =>
  tell(world, atMs, { checkoutId, eventType: "PaymentReceived", amount: 40, method: "card" });

/** What a stream holds, in order, by the checkout it is about. */
async function heldBy({ session }: World, stream: string): Promise<Map<string, Record<string, unknown>[]>> {
  const held: StoredMessage[] = (await Array.fromAsync(readStream(session, stream))).flat();
  const bodies = held.map(({ body }) => JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>);
  return Map.groupBy(bodies, ({ checkoutId }) => String(checkoutId));
}

const decisionsOf = async (world: World, checkoutId: string) =>
  (await heldBy(world, "DECISIONS")).get(checkoutId) ?? [];

async function ticksOf(world: World, checkoutId: string) {
  const held = (await heldBy(world, "CHECKOUTS")).get(checkoutId) ?? [];
  return held.filter(({ eventType }) => eventType === "TimePassed");
}

/** Resolves when there are so many decisions in all. */
const decided = ({ session }: World, count: number) =>
  until(
    `${count} decisions`,
    async () => (await session.jsm.streams.info("DECISIONS")).state.messages >= count,
    30_000,
  );

it("a deadline expires by a tick; a payment in time that is heard later revises that, once", async () => {
  await using world = await openWorld();
  const daemon = await world.start({}, ACTORS);
  const beganMs = await begin(world, "c-1");
  const due = new Date(beganMs + DEADLINE_MS).toISOString();
  await decided(world, 1);
  expect(await decisionsOf(world, "c-1")).toMatchObject([{ ...EXPIRED, revision: 1, causationId: `time:${due}` }]);
  expect(await ticksOf(world, "c-1")).toEqual([
    { checkoutId: "c-1", eventType: "TimePassed", eventId: `time:${due}`, timestamp: due },
  ]);
  await pay(world, "c-1", beganMs + 1500);
  await decided(world, 2);
  // A tick or a decision too many would come now.
  await delay(3000);
  expect(await decisionsOf(world, "c-1")).toMatchObject([EXPIRED, { ...PAID, revision: 2, supersedes: 1 }]);
  expect(await ticksOf(world, "c-1")).toHaveLength(1);
  const metrics = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
  expect(metrics).toContain('natstate_ticks_published_total{actor="checkout"} 1\n');
  expect(metrics).toContain('natstate_ticks_on_their_way{actor="checkout"} 0\n');
  expect(metrics).toContain('natstate_tick_overdue_seconds{actor="checkout"} 0\n');
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  const verified = await runCli(["verify", "--all", ...ACTORS], env);
  expect(verified, verified.stdout + verified.stderr).toMatchObject({ code: 0 });
}, 90_000);

it("killed between the deadline and its tick: the next start says that it has passed, and it is decided once", async () => {
  await using world = await openWorld();
  const first = await world.start({}, ACTORS);
  const beganMs = await begin(world, "c-1");
  await until("it waits", async () => (await fetch(`${first.httpUrl}/api/checkouts/c-1`)).ok);
  // Its grace is not over for 2 s.
  await delay(beganMs + DEADLINE_MS + 50 - Date.now());
  await first.kill9();
  expect(await ticksOf(world, "c-1")).toEqual([]);
  await world.start({}, ACTORS);
  await decided(world, 1);
  await delay(2000);
  expect(await decisionsOf(world, "c-1")).toMatchObject([EXPIRED]);
}, 90_000);

it("a killed owner's delays are ended by who takes over, and by a new store no other way", async () => {
  await using world = await openWorld();
  const ids = Array.from({ length: 32 }, (_, index) => `c-${index}`);
  const stores = ["first", "second"].map((name) => join(world.dataDir, name));
  const [first, second] = await Promise.all(stores.map((NATSTATE_DATA) => world.start({ NATSTATE_DATA }, ACTORS)));
  const partitions = async () => (await getJson(second as never, "/readyz")).checks.partitions.detail;
  await until("half each", async () => /^8 of 8/.test(await partitions()));
  await Promise.all(ids.map((id) => begin(world, id)));
  await first?.kill9();
  await decided(world, ids.length);
  await delay(3000);
  const decisions = await heldBy(world, "DECISIONS");
  for (const id of ids) expect(decisions.get(id), id).toMatchObject([EXPIRED]);

  /** As they are once a daemon has caught up. */
  const settled = (daemon = second) =>
    until("all is applied", async () => {
      const rows = await Promise.all(ids.map((id) => getJson(daemon as never, `/api/checkouts/${id}`)));
      return rows.every(({ error, catchingUp }) => error === undefined && catchingUp === undefined) && rows;
    });
  const before = await settled();
  const stored = (await world.session.jsm.streams.info("CHECKOUTS")).state.messages;
  await second?.stop();
  rmSync(stores[1] ?? "", { recursive: true });
  const third = await world.start({ NATSTATE_DATA: stores[1] ?? "" }, ACTORS);
  expect(await settled(third)).toEqual(before);
  await delay(2000);
  expect((await world.session.jsm.streams.info("CHECKOUTS")).state.messages).toBe(stored);
  expect((await world.session.jsm.streams.info("DECISIONS")).state.messages).toBe(ids.length);
}, 120_000);

it("who waits for a delay that ends before a time is listed, over HTTP and by the command", async () => {
  await using world = await openWorld();
  // Theirs is half an hour.
  const actors = ["--actors", "examples/checkout/actors.ts"];
  const daemon = await world.start({}, actors);
  for (const id of ["c-1", "c-2"]) await begin(world, id);
  await pay(world, "c-2", Date.now());
  const listed = async (query: string) => {
    const { checkouts } = await getJson(daemon, `/api/checkouts?${query}`);
    return (checkouts as { checkoutId: string }[]).map(({ checkoutId }) => checkoutId);
  };
  await until("one is paid", async () => (await listed("state=paid")).length === 1);
  const before = (minutes: number) => `dueBefore=${new Date(Date.now() + minutes * 60_000).toISOString()}`;
  expect([await listed(before(40)), await listed(before(20))]).toEqual([["c-1"], []]);
  const byCommand = async (before: string) => {
    const { stdout } = await runCli(["list", "--json", "--due-before", before], { NATS_URL: world.server.url });
    return JSON.parse(stdout);
  };
  expect(JSON.stringify(await byCommand("40m"))).toContain("c-1");
  expect(JSON.stringify(await byCommand("20m"))).not.toContain("c-1");
}, 90_000);

it("a start says which actions nobody executes, and which delays end after what began them is forgotten; so does the doctor", async () => {
  await using world = await openWorld();
  const actors = ["--actors", "examples/checkout/actors.ts"];
  const env = { NATSTATE_MAX_AGE: "29m", NATSTATE_LOG_LEVEL: "info", NATSTATE_LOG_FORMAT: "json" };
  const daemon = await world.start(env, actors);
  const told = daemon.output().split("\n");
  const about = (what: string) => told.filter((line) => line.includes(what)).map((line) => JSON.parse(line));
  expect(about("not executed")).toMatchObject([{ actorType: "checkout", actions: ["sendReceipt at paid.entry"] }]);
  expect(about("NATSTATE_MAX_AGE")).toMatchObject([
    { level: "warn", actorType: "checkout", delays: ["30 min at awaitingPayment"] },
  ]);
  const examine = async (given: Record<string, string>) => {
    const { stdout } = await runCli(["doctor", "--json", ...actors], { NATS_URL: world.server.url, ...given });
    const { findings } = JSON.parse(stdout) as { findings: { check: string }[] };
    return findings.filter(({ check }) => check === "delays of checkouts");
  };
  expect(await examine(env)).toMatchObject([{ level: "warning", detail: expect.stringContaining("30 min at") }]);
  expect(await examine({})).toEqual([]);
}, 90_000);
