import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import Database from "better-sqlite3";
import { connectNats } from "../../src/jetstream/connect.ts";
import { type DaemonProcess, startDaemonProcess } from "../e2e/daemon-process.ts";
import { until } from "../until.ts";
import { type Latency, measureLatency } from "./latency.ts";

/*
 * `npm run bench:beside`: what decisions take while a daemon does something else: beside the scrub of an order of 20,000
 * events, beside 2,000 questions for its history; and what its API takes while another program holds the store.
 */

const EVENTS = 20_000;
const QUESTIONS = 2000;
const LOCK_MS = 5000;

const dir = mkdtempSync(join(tmpdir(), "natstate-beside-"));
const daemon = await startDaemonProcess({
  NATSTATE_DATA: dir,
  NATSTATE_NATS_PORT: "0",
  NATSTATE_SCRUB_INTERVAL: "off",
});
const nc = await connectNats({ url: daemon.natsUrl, name: "beside" });
try {
  await fill(nc);
  await until("all of it is applied", () => hasApplied(daemon), 120_000);
  show("alone", await live(2));
  const [beside, { answered, refused }] = await Promise.all([live(3), ask(daemon)]);
  show(`beside ${QUESTIONS} questions for a history of ${EVENTS} events`, beside);
  console.log(`  ${answered} were answered, ${refused} told to ask again`);
  console.log(
    `while another program holds the store for ${LOCK_MS} ms, /livez takes ${await holdStore(daemon)} ms at most`,
  );
  await daemon.stop();
  const scrubbing = await startDaemonProcess({
    NATSTATE_DATA: dir,
    NATSTATE_NATS_PORT: "0",
    NATSTATE_SCRUB_INTERVAL: "50ms",
  });
  const again = await connectNats({ url: scrubbing.natsUrl, name: "beside" });
  try {
    show("beside the scrub, every 50 ms one order at random, the large one among them", await live(4, again));
  } finally {
    await again.close();
    await scrubbing.stop();
  }
} finally {
  await nc.close();
  await daemon.kill9();
  rmSync(dir, { recursive: true, force: true });
}

function live(seed: number, on: NatsConnection = nc): Promise<Latency> {
  return measureLatency(on, { eventsPerSecond: 200, seconds: 12, rampUpSeconds: 2, seed });
}

function show(when: string, { p50Ms, p99Ms, maxMs, samples }: Latency): void {
  const [p50, p99, max] = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1));
  console.log(`${when}: p50 ${p50}, p99 ${p99}, at most ${max} ms, ${samples} decisions`);
}

/** One order, told of again and again. */
async function fill(on: NatsConnection): Promise<void> {
  const js = jetstream(on);
  for (let from = 0; from < EVENTS; from += 1000) {
    const some = Array.from({ length: 1000 }, (_, index) => {
      const timestamp = new Date(Date.UTC(2026, 0, 1) + (from + index) * 1000).toISOString();
      const event = { orderId: "large", eventType: "LoyaltyPointsUpdated", eventId: `e${from + index}`, timestamp };
      const body = JSON.stringify({ ...event, pointsEarned: 1, totalPoints: from + index, tierStatus: "gold" });
      return js.publish("orders.large.LoyaltyPointsUpdated", body);
    });
    await Promise.all(some);
  }
}

async function hasApplied({ httpUrl }: DaemonProcess): Promise<boolean> {
  const response = await fetch(`${httpUrl}/api/orders/large`);
  return response.ok && ((await response.json()) as { version: number }).version === EVENTS;
}

/** Fifty at a time. */
async function ask({ httpUrl }: DaemonProcess): Promise<{ answered: number; refused: number }> {
  await delay(3000);
  let [left, answered] = [QUESTIONS, 0];
  const asker = async () => {
    while (left-- > 0) {
      const response = await fetch(`${httpUrl}/api/orders/large/history`);
      await response.arrayBuffer();
      if (response.ok) answered++;
    }
  };
  await Promise.all(Array.from({ length: 50 }, asker));
  return { answered, refused: QUESTIONS - answered };
}

/** @returns the longest answer in ms. */
async function holdStore({ httpUrl }: DaemonProcess): Promise<string> {
  const db = new Database(join(dir, "natstate.db"));
  db.exec("BEGIN IMMEDIATE");
  const publishing = publishOne();
  let longestMs = 0;
  for (const startedMs = performance.now(); performance.now() - startedMs < LOCK_MS; await delay(20)) {
    const askedMs = performance.now();
    await (await fetch(`${httpUrl}/livez`)).arrayBuffer();
    longestMs = Math.max(longestMs, performance.now() - askedMs);
  }
  db.exec("ROLLBACK");
  db.close();
  await publishing;
  return longestMs.toFixed(0);
}

/** So that there is something to commit. */
function publishOne(): Promise<unknown> {
  const event = { orderId: "held", eventType: "LoyaltyPointsUpdated", timestamp: "2026-01-01T00:00:00Z" };
  const body = JSON.stringify({ ...event, pointsEarned: 1, totalPoints: 1, tierStatus: "gold" });
  return jetstream(nc).publish("orders.held.LoyaltyPointsUpdated", body);
}
