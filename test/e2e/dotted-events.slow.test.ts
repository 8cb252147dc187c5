import { rmSync } from "node:fs";
import { expect, it } from "vitest";
import { createActor } from "xstate";
import { publishEvent } from "../../src/client/publish-event.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { invoice, machine } from "../invoice.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { partitions } from "./partitions.ts";
import { getJson, openWorld, type World } from "./world.ts";

/* A machine as it was pasted, whose events have dots in their names, over NATS. */

const ACTORS = ["--actors", "test/e2e/invoice-now.ts"];
const SETTINGS = { NATSTATE_PARTITIONS: "4" };
const BASE = Date.parse("2026-02-01T10:00:00Z");

type Fact = readonly [type: keyof typeof invoice.events, data: object];

/** As they happened, a minute after each other. */
const FACTS: readonly Fact[] = [
  ["form.submit", { total: 100 }],
  ["payment.received", { amount: 40 }],
  ["payment.declined", {}],
  ["payment.received", { amount: 60 }],
  ["payment.refund.card", { amount: 60 }],
  ["payment.received", { amount: 70 }],
  ["payment.declined", {}],
];
const ORDERS: Readonly<Record<string, readonly number[]>> = {
  forward: [0, 1, 2, 3, 4, 5, 6],
  reversed: [6, 5, 4, 3, 2, 1, 0],
  doubled: [3, 0, 3, 5, 1, 0, 6, 2, 4, 6, 1],
};

const publish = ({ session }: World, invoiceId: string, index: number) => {
  const [eventType, data] = FACTS[index] as Fact;
  const at = { eventId: `e${index}`, timestamp: new Date(BASE + index * 60_000) };
  return publishEvent(session.js, invoice, { invoiceId, eventType, ...at, ...data } as never);
};

/** A live actor that hears them as they happened. */
function live() {
  const actor = createActor(machine).start();
  for (const [type, data] of FACTS) actor.send({ type, data } as never);
  const { value, context } = actor.getSnapshot();
  return { value, view: { ...context } };
}

/** What each comes to. @param count - of the facts it is to have heard. */
async function ends(daemon: DaemonProcess, count: number) {
  const rows = Object.keys(ORDERS).map((id) =>
    until(`${id} has ${count} facts`, async () => {
      const row = await getJson(daemon, `/api/invoices/${id}`).catch(() => undefined);
      return row?.version === count && row;
    }),
  );
  return Promise.all(rows);
}

it("comes to what a live actor comes to, in any order, twice, over a kill and in a new store", async () => {
  await using world = await openWorld();
  const { session } = world;
  let daemon = await world.start(SETTINGS, ACTORS);
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir, ...SETTINGS };
  for (const [id, order] of Object.entries(ORDERS))
    for (const index of order.slice(0, 4)) await publish(world, id, index);
  await daemon.kill9();
  for (const [id, order] of Object.entries(ORDERS)) for (const index of order.slice(4)) await publish(world, id, index);
  daemon = await world.start(SETTINGS, ACTORS);

  const { value, view } = live();
  const rows = await ends(daemon, FACTS.length);
  for (const row of rows) {
    expect(row).toMatchObject({ value, ...view, decision: { decisionType: "InvoicePaid", amount: 110 } });
  }

  // What others see of the names.
  const { events } = await getJson(daemon, "/api/invoices/forward/history");
  const told = events.map(({ eventType, outcome }: Record<string, string>) => `${eventType} ${outcome}`);
  expect(told).toEqual(FACTS.map(([eventType]) => `${eventType} applied`));
  const waiting = await getJson(daemon, "/api/invoices?waitingFor=form.withdraw");
  expect(waiting.invoices).toHaveLength(3);
  expect((await getJson(daemon, "/api/invoices?waitingFor=payment.received")).invoices).toEqual([]);
  const metrics = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
  expect(metrics).toMatch(/event_type="payment\.refund\.card",outcome="reordered"\} [1-9]/);

  // A name that nobody knows is a dead letter, and a subject of more tokens is nobody's.
  const lost = { invoiceId: "forward", eventType: "payment.lost", timestamp: "2026-02-01T10:00:00Z" };
  await session.js.publish("invoices.forward.payment:lost", JSON.stringify(lost));
  await session.js.publish(
    "invoices.forward.payment:received",
    JSON.stringify({ ...lost, eventType: "payment.received" }),
  );
  await until("both are dead letters", async () => (await world.streamSize("DEAD_LETTERS")) === 2);
  const counted = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
  expect(counted).toMatch(/event_type="payment\.received",success="false"\} 1$/m);
  const letters = JSON.parse((await runCli(["dead-letters", "list", "--json", ...ACTORS], env)).stdout);
  expect(JSON.stringify(letters)).toContain("unknown_event_type");
  expect(JSON.stringify(letters)).toContain("invoices.forward.payment:lost");
  await expect(session.js.publish("invoices.forward.payment.received", "{}", { retries: 1 })).rejects.toThrow();

  // A type that was told, not loaded.
  const published = await runCli(["publish", "by-hand", "form.submit", '{"total":5}'], env);
  expect(published.stdout).toMatch(/^invoices\.by-hand\.form:submit is stored as message \d+ of INVOICES/);
  await until("it is open", async () => {
    const row = await getJson(daemon, "/api/invoices/by-hand").catch(() => undefined);
    return row?.state === "open";
  });

  const verified = await runCli(["verify", "--all", ...ACTORS], env);
  expect(verified.stdout).toMatch(/^4 invoices derived .* the same/m);
  const one = JSON.parse((await runCli(["verify", "--invoice", "reversed", "--json", ...ACTORS], env)).stdout);
  expect(one).toMatchObject({ checked: 1, differing: 0, fromStore: 0, differences: [] });
  const decided = await world.streamSize("DECISIONS");
  expect((await session.jsm.streams.info("INVOICES")).config.subjects).toEqual(["invoices.*.*"]);
  expect(await daemon.stop()).toBe(0);
  const rebuilt = await runCli(["rebuild", "--json", ...ACTORS], env);
  expect(JSON.parse(rebuilt.stdout)).toMatchObject({ actors: 4, pending: 0, fromOldStore: 0, differences: [] });
  rmSync(world.storeFile);
  daemon = await world.start(SETTINGS, ACTORS);
  const again = await ends(daemon, FACTS.length);
  expect(again.map(({ decision }) => decision.amount)).toEqual([110, 110, 110]);
  for (const row of again) expect(row).toMatchObject({ value, ...view });
  expect(await world.streamSize("DECISIONS")).toBe(decided);
});

it("one that is retired comes back for a fact between those it had heard, and comes to the same", async () => {
  await using world = await openWorld();
  const daemon = await world.start({ ...SETTINGS, NATSTATE_RETAIN: "100ms" }, ACTORS);
  const late = 3;
  for (const index of FACTS.keys()) if (index !== late) await publish(world, "forward", index);
  let others = 0;
  await until("it is retired", async () => {
    // By the stream's time: another invoice is heard of.
    await publish(world, `other-${others++}`, 0);
    return (await fetch(`${daemon.httpUrl}/api/invoices/forward`)).status === 410;
  });
  await publish(world, "forward", late);
  const { value, view } = live();
  const back = await until("it is back", async () => {
    const row = await getJson(daemon, "/api/invoices/forward").catch(() => undefined);
    return row?.version === FACTS.length && row;
  });
  expect(back).toMatchObject({ value, ...view, decision: { decisionType: "InvoicePaid", amount: 110 } });
  const { events } = await getJson(daemon, "/api/invoices/forward/history");
  const told = events.map(({ eventType }: Record<string, string>) => eventType);
  expect(told).toEqual([...FACTS.keys().filter((index) => index !== late), late].map((index) => FACTS[index]?.[0]));
});

it("a type that gets its first event with dots keeps its stream, and whoever knows the former contract goes on", async () => {
  await using world = await openWorld();
  const { session } = world;
  const start = (name: string, actors: string) =>
    world.start({ ...SETTINGS, NATSTATE_DATA: `${world.dataDir}/${name}` }, ["--actors", actors]);
  const former = await start("former", "test/e2e/invoice-before.ts");
  const configOf = async () => (await session.jsm.streams.info("INVOICES")).config;
  const before = await configOf();
  const next = await start("next", "test/e2e/invoice-now.ts");
  // Until then an event that only the next contract has would be a dead letter of the former, as any new one is.
  await until("all are with the next", async () => (await partitions(next)) === Number(SETTINGS.NATSTATE_PARTITIONS));
  for (const index of ORDERS.forward ?? []) await publish(world, "forward", index);
  await until("it is paid", async () => {
    const row = await getJson(next, "/api/invoices/forward").catch(() => undefined);
    return row?.state === "paid" && row.version === FACTS.length;
  });
  expect(await configOf()).toEqual(before);
  expect(await world.streamSize("DEAD_LETTERS")).toBe(0);
  expect((await fetch(`${former.httpUrl}/readyz`)).status).toBe(200);
  const subjects = (await Array.fromAsync(readStream(session, "INVOICES"))).flat().map(({ subject }) => subject);
  expect(new Set(subjects.map((subject) => subject.split(".").length))).toEqual(new Set([4]));
});
