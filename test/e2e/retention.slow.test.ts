import { join } from "node:path";
import { expect, it } from "vitest";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import {
  applyAll,
  calm,
  checkAll,
  countRows,
  diesWhen,
  duplicates,
  portraits,
  RETAIN,
  retireAll,
  retiredIds,
  stats,
  tick,
} from "./retired-orders.ts";
import { getJson, openWorld, traffic } from "./world.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("settled orders are retired, tell so, and come back for a late event as they were, to the byte", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  const messages = traffic(80, 91, { malformed: 4 });
  const ticked: TrafficMessage[] = [];
  await applyAll(world, messages);
  const before = portraits(world.storeFile);
  const settled = [...before.values()].filter(({ row }) => row.decision_type !== null);
  expect(settled.length).toBeGreaterThan(40);
  const published = await world.streamSize("DECISIONS");

  let daemon = await retireAll(world, ticked);
  const { retired, orders, standing } = await stats(daemon);
  expect(retired).toBe(settled.length);
  expect(orders.total).toBe(before.size - settled.length + ticked.length);
  expect(Object.values(standing.byType)).toEqual([0, 0]);
  const [first] = settled;
  const id = String(first?.row.id);
  const answer = await fetch(`${daemon.httpUrl}/api/orders/${id}`);
  const { events: version, revision } = first?.row ?? {};
  expect([answer.status, await answer.json()]).toMatchObject([
    410,
    { error: { code: "retired" }, retired: { orderId: id, status: "kept", version, revision, parked: 0 } },
  ]);
  for (const question of ["get", "history"]) {
    expect(await runCli([question, id], env)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        `order ${id} is retired since .*: ${version} events, .*revision ${revision}.*brings it back`,
      ),
    });
  }
  const verified = await runCli(["verify", "--all", "--json"], env);
  expect(JSON.parse(verified.stdout)).toMatchObject({ checked: orders.total, retired, differing: 0, differences: [] });
  expect(await runCli(["verify", "--order", id], env)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("is retired: there is nothing of it to compare"),
  });
  const metrics = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
  expect(metrics).toContain(`natstate_retired_actors{actor="order"} ${retired}`);
  expect(metrics).toContain(`natstate_retirements_total{actor="order"} ${retired}`);
  await daemon.stop();

  daemon = await checkAll(world, [...messages, ...ticked]);
  expect(portraits(world.storeFile)).toEqual(before);
  expect(await world.streamSize("DECISIONS")).toBe(published);
  expect(await daemon.stop()).toBe(0);
}, 180_000);

it("late events that change something: the next revision follows, each once, in the order they came", async () => {
  await using world = await openWorld();
  const messages = traffic(80, 92, { late: 0.4, malformed: 0 });
  const ticked: TrafficMessage[] = [];
  // What is held back comes last.
  const early = messages.slice(0, Math.floor(messages.length * 0.6));
  await applyAll(world, early);
  let daemon = await retireAll(world, ticked);
  const { retired } = await stats(daemon);
  expect(retired).toBeGreaterThan(10);
  await daemon.stop();
  daemon = await world.start();
  await world.publish(messages.slice(early.length));
  await calm(world);
  expect((await stats(daemon)).events.parked).toBeGreaterThan(10);
  await daemon.stop();
  await checkAll(world, [...messages, ...ticked]);
}, 180_000);

it("what has left the stream does not come back: late events are dead letters, and no blank order begins", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  const messages = traffic(30, 93, { malformed: 0 });
  const ticked: TrafficMessage[] = [];
  await applyAll(world, messages);
  const settled = [...portraits(world.storeFile).values()].filter(({ row }) => row.decision_type !== null);
  const id = String(settled[0]?.row.id);
  let daemon = await retireAll(world, ticked);
  const { state } = await world.session.jsm.streams.info("ORDERS");
  await world.session.jsm.streams.purge("ORDERS", { seq: state.last_seq });
  const late = duplicates(messages).filter(({ actorId }) => actorId === id);
  await world.publish([...late, ...late]);
  const deadLetters = async () => {
    const messages = (await Array.fromAsync(readStream(world.session, "DEAD_LETTERS"))).flat();
    return messages.map(({ header }) => [header("Natstate-Reason"), header("Natstate-Error")]);
  };
  await until("both are dead letters", async () => (await world.streamSize("DEAD_LETTERS")) === 2);
  expect(await deadLetters()).toEqual(
    Array(2).fill(["actor_retired", expect.stringMatching(`order ${id} was retired at revision`)]),
  );
  await world.publish(late);
  await until("so is the third", async () => (await world.streamSize("DEAD_LETTERS")) === 3);
  expect(await getJson(daemon, `/api/orders/${id}`)).toMatchObject({ retired: { status: "lost", parked: 0 } });
  expect((await getJson(daemon, "/api/stats")).deadLetters.byReason.actor_retired).toBe(3);
  await daemon.stop();

  // A new store knows them too.
  const counted = countRows(world.storeFile, "retired");
  const rebuilt = await runCli(["rebuild", "--json"], env);
  expect(JSON.parse(rebuilt.stdout)).toMatchObject({ retired: counted, differences: [] });
  daemon = await world.start();
  await world.publish(late);
  await until("the fourth too", async () => (await world.streamSize("DEAD_LETTERS")) === 4);
  expect((await fetch(`${daemon.httpUrl}/api/orders/${id}`)).status).toBe(410);
  const verified = await runCli(["verify", "--all", "--json"], env);
  expect(JSON.parse(verified.stdout)).toMatchObject({ retired: counted, differing: 0, differences: [] });
}, 180_000);

it("a rebuilt store has the same retired orders, and late events that waited still bring theirs back", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  const messages = traffic(40, 94, { malformed: 0 });
  const ticked: TrafficMessage[] = [];
  await applyAll(world, messages);
  const daemon = await retireAll(world, ticked);
  await daemon.stop();
  const again = duplicates(messages).slice(0, 20);
  // Dies with them parked.
  await diesWhen(world, "history_read", {}, again);
  const counted = countRows(world.storeFile, "retired");
  const rebuilt = await runCli(["rebuild", "--json"], env);
  expect(JSON.parse(rebuilt.stdout), rebuilt.stderr).toMatchObject({ retired: counted, differences: [] });
  expect(countRows(world.storeFile, "parked")).toBeGreaterThan(0);
  await checkAll(world, [...messages, ...again, ...ticked]);
}, 180_000);

it("an owner that had retired what another one brought back takes over what that one decided", async () => {
  await using world = await openWorld();
  const messages = traffic(60, 95, { late: 0.4, malformed: 0 });
  const ticked: TrafficMessage[] = [];
  const early = messages.slice(0, Math.floor(messages.length * 0.6));
  await applyAll(world, early);
  let daemon = await retireAll(world, ticked);
  await daemon.stop();
  const other = await world.start({ NATSTATE_DATA: join(world.dataDir, "other") });
  await world.publish(messages.slice(early.length));
  await world.settle(other);
  await other.stop();
  const published = await world.streamSize("DECISIONS");
  daemon = await checkAll(world, [...messages, ...ticked]);
  expect(await world.streamSize("DECISIONS")).toBe(published);
}, 180_000);

it("killed at each moment of retiring and of bringing back: nothing lost, nothing doubled", async () => {
  await using world = await openWorld();
  const messages = traffic(80, 96, { late: 0.5, malformed: 2 });
  const ticked: TrafficMessage[] = [];
  // What is held back comes last: a share of it for each moment.
  const early = Math.floor(messages.length * 0.55);
  let daemon = await world.start();
  await world.publish(messages.slice(0, early));
  await world.settle(daemon);
  await daemon.stop();
  for (const moment of ["retiring", "retired"]) {
    ticked.push(tick());
    await diesWhen(world, moment, RETAIN, ticked.slice(-1));
    expect(countRows(world.storeFile, "retired") > 0).toBe(moment === "retired");
  }
  daemon = await retireAll(world, ticked);
  await daemon.stop();
  const moments = ["committed", "history_read", "restoring", "restored", "published"];
  const share = Math.ceil((messages.length - early) / moments.length);
  for (const [index, moment] of moments.entries()) {
    const from = early + index * share;
    await diesWhen(world, moment, {}, messages.slice(from, from + share));
  }
  expect(countRows(world.storeFile, "retired")).toBeGreaterThan(0);
  // Without another event to remind it.
  daemon = await world.start();
  await calm(world);
  await daemon.stop();
  await checkAll(world, [...messages, ...ticked]);
}, 180_000);

it("killed again and again while orders are retired and brought back: nothing lost, nothing doubled", async () => {
  await using world = await openWorld();
  const messages = traffic(110, 97, { late: 0.3, shuffle: 30 });
  const sent: TrafficMessage[] = [];
  const env = { NATSTATE_RETAIN: "200ms" };
  let daemon = await world.start(env);
  let retired = 0;
  let parked = 0;
  for (let kill = 1; sent.length < messages.length || retired < 10 || parked < 20; kill++) {
    expect(kill, `retired ${retired}, parked ${parked}`).toBeLessThan(30);
    // What is new, and of everybody retired by now something once more: both happen in every round.
    const gone = new Set(retiredIds(world.storeFile));
    const again = duplicates(sent).filter(({ actorId }) => gone.has(String(actorId)));
    const round = [...messages.slice((kill - 1) * 120, kill * 120), ...again, tick()];
    sent.push(...round);
    const publishing = world.publish(round);
    await pause(400 + ((kill * 7919) % 1600));
    retired = Math.max(retired, countRows(world.storeFile, "retired"));
    ({ parked } = (await stats(daemon)).events);
    await daemon.kill9();
    await publishing;
    daemon = await world.start(env);
  }
  await world.settle(daemon);
  await daemon.stop();
  await checkAll(world, sent);
}, 270_000);

it("NATS freezes just when an order is to come back: it waits, and comes back afterwards", async () => {
  await using world = await openWorld();
  const messages = traffic(20, 98, { malformed: 0 });
  const ticked: TrafficMessage[] = [];
  await applyAll(world, messages);
  let daemon = await retireAll(world, ticked);
  await daemon.stop();
  daemon = await world.start();
  const ids = retiredIds(world.storeFile);
  const sent: TrafficMessage[] = [];
  let isCaught = false;
  for (const late of duplicates(messages).filter(({ actorId }) => ids.includes(String(actorId)))) {
    sent.push(late);
    await world.publish([late]);
    await until("it is heard", async () => countRows(world.storeFile, "parked") > 0, 1000).catch(() => {});
    world.server.signal("SIGSTOP");
    await pause(300);
    isCaught = countRows(world.storeFile, "retired WHERE status = 'wanted'") > 0;
    world.server.signal("SIGCONT");
    if (isCaught) break;
  }
  expect(isCaught).toBe(true);
  await until("it is back", () => countRows(world.storeFile, "parked") === 0, 30_000);
  await daemon.stop();
  await checkAll(world, [...messages, ...sent, ...ticked]);
}, 180_000);
