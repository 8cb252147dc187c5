import { once } from "node:events";
import Database from "better-sqlite3";
import { expect } from "vitest";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { until } from "../until.ts";
import { type DaemonProcess, spawnDaemon } from "./daemon-process.ts";
import { getJson, type World } from "./world.ts";

export const RETAIN = { NATSTATE_RETAIN: "100ms" };

/** Something that happens elsewhere: stream time passes. Never decided, so never retired. */
let ticks = 0;
export function tick(): TrafficMessage {
  const orderId = `clock-${++ticks}`;
  const event = { orderId, eventType: "LoyaltyPointsUpdated", timestamp: "2026-01-01T00:00:00Z" };
  const body = JSON.stringify({ ...event, pointsEarned: 1, totalPoints: 1, tierStatus: "gold" });
  return { subject: `orders.${orderId}.LoyaltyPointsUpdated`, body, actorId: orderId };
}

/** Of each order one event once more: whoever is retired has to come back for it. */
export function duplicates(messages: readonly TrafficMessage[]): TrafficMessage[] {
  const valid = messages.filter(({ rejectedAs, actorId }) => rejectedAs === undefined && actorId !== undefined);
  return [...new Map(valid.map((message) => [message.actorId, message])).values()];
}

interface Portrait {
  readonly row: Record<string, unknown>;
  readonly events: unknown[];
  readonly decisions: unknown[];
}

/** All a store has of each order, but the numbers it gives rows and how often events were heard again. */
export function portraits(file: string): Map<string, Portrait> {
  const db = new Database(file, { readonly: true });
  const rows = db.prepare("SELECT * FROM actors WHERE id NOT LIKE 'clock-%' ORDER BY id").all();
  const events = db.prepare("SELECT * FROM events WHERE actor_key = ? ORDER BY sequence");
  const decisions = db.prepare("SELECT * FROM decisions WHERE actor_key = ? ORDER BY revision");
  const found = (rows as Record<string, unknown>[]).map(({ key, row_version, heard, ...row }) => {
    const strip = (each: unknown) => ({ ...(each as object), actor_key: 0, place: 0, duplicates: 0 });
    return [row.id, { row, events: events.all(key).map(strip), decisions: decisions.all(key).map(strip) }] as const;
  });
  db.close();
  return new Map(found as [string, Portrait][]);
}

export function countRows(file: string, from: string): number {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(`SELECT count(*) FROM ${from}`).pluck().get() as number;
  } finally {
    db.close();
  }
}

export function retiredIds(file: string): string[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare("SELECT actor_id FROM retired").pluck().all() as string[];
  } finally {
    db.close();
  }
}

export const stats = (daemon: DaemonProcess) => getJson(daemon, "/api/stats");
const DECIDED = "actors WHERE decision_type IS NOT NULL";

/** A daemon's whole life in which these are published, applied and decided. */
export async function applyAll(world: World, messages: readonly TrafficMessage[]): Promise<void> {
  const daemon = await world.start();
  await world.publish(messages);
  await world.settle(daemon);
  await daemon.stop();
}

/** A daemon that has retired every decided order of the world. */
export async function retireAll(world: World, ticked: TrafficMessage[]): Promise<DaemonProcess> {
  const daemon = await world.start(RETAIN);
  ticked.push(tick());
  await world.publish(ticked.slice(-1));
  await until("everything decided is retired", () => countRows(world.storeFile, DECIDED) === 0, 30_000);
  return daemon;
}

/**
 * Resolves when everything stored is applied, nobody is on the way back and everything decided is published. Counts
 * cannot say so: a rebuilt store has not counted the events of those who were retired.
 */
export async function calm(world: World): Promise<void> {
  const { jsm } = world.session;
  await until(
    "everything is done",
    async () => {
      for await (const { name, num_pending, num_ack_pending } of jsm.consumers.list("ORDERS")) {
        // A rebuild leaves one of its own behind for a while.
        if (/^orders-\d+$/.test(name) && num_pending + num_ack_pending > 0) return false;
      }
      const open = ["decisions WHERE published IS NULL", "dead_letters WHERE published IS NULL", "parked"];
      return open.every((rows) => countRows(world.storeFile, rows) === 0);
    },
    30_000,
  );
}

/** A daemon that kills itself at a moment, perhaps before it is ready: there may be work left for it. */
export async function diesWhen(world: World, moment: string, env: Record<string, string>, messages: TrafficMessage[]) {
  const crash = { NODE_ENV: "test", NATSTATE_TEST_CRASH: `${moment}:1` };
  const child = spawnDaemon({ NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir, ...env, ...crash });
  const exited = once(child, "exit");
  await world.publish(messages);
  expect(await exited, moment).toEqual([null, "SIGKILL"]);
}

/** Starts a daemon that retires nobody, brings everybody back and holds everything against the model. */
export async function checkAll(world: World, messages: readonly TrafficMessage[]): Promise<DaemonProcess> {
  const daemon = await world.start();
  const again = duplicates(messages);
  await world.publish(again);
  await calm(world);
  expect((await stats(daemon)).retired).toBe(0);
  await world.check(daemon, [...messages, ...again]);
  expect(countRows(world.storeFile, "imported_decisions")).toBe(0);
  return daemon;
}
