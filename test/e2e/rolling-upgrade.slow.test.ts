import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import type { Health } from "../../src/ops/health.ts";
import { DECISIONS_STREAM } from "../../src/wire/names.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { type DaemonProcess, spawnDaemon, startDaemonProcess } from "./daemon-process.ts";

/* Real processes of one NATS, with actor types that differ. */

const PARTITIONS = 4;
const SEATS = 60;

let server: TestServer;
let session: Session;
const dataDir = mkdtempSync(join(tmpdir(), "natstate-rolling-"));
const running: DaemonProcess[] = [];

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
});
afterAll(async () => {
  await Promise.all(running.map((daemon) => daemon.kill9()));
  await session?.close();
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Of one with these rules, and a data directory of its own. */
const envOf = (name: string, version: number, env: Record<string, string> = {}) => ({
  NATS_URL: server.url,
  NATSTATE_DATA: join(dataDir, name),
  NATSTATE_PARTITIONS: String(PARTITIONS),
  NATSTATE_SCRUB_INTERVAL: "off",
  ROLLING_VERSION: String(version),
  ...env,
});
const ARGS = ["--actors", "test/e2e/rolling-actors.ts"];

async function start(...of: Parameters<typeof envOf>): Promise<DaemonProcess> {
  const daemon = await startDaemonProcess(envOf(...of), ARGS);
  running.push(daemon);
  return daemon;
}

/** What `/readyz` says of the partitions of the daemon that listens there. */
async function partitionsAt(httpUrl: string): Promise<{ readonly ok: boolean; readonly detail: string }> {
  const answer = await fetch(`${httpUrl}/readyz`);
  return ((await answer.json()) as Health).checks.partitions;
}

const partitionsOf = async ({ httpUrl }: DaemonProcess) => (await partitionsAt(httpUrl)).detail;

/** What was said of each seat, in order. */
async function told(): Promise<
  Map<string, { readonly revision: number; readonly price: number; readonly notes: number }[]>
> {
  const { state } = await session.jsm.streams.info(DECISIONS_STREAM);
  const all = [];
  for await (const batch of readStream(session, DECISIONS_STREAM, { from: 1, to: state.last_seq })) all.push(...batch);
  const decisions = all
    .filter(({ subject }) => subject.startsWith("decisions.bookings."))
    .map(({ body }) => JSON.parse(Buffer.from(body).toString()));
  return Map.groupBy(decisions, ({ bookingId }) => bookingId as string);
}

/** Publishes an event of one seat after the other, until it is ended. */
function load() {
  const published = new Map<string, number>();
  let isEnded = false;
  const done = (async () => {
    for (let count = 0; !isEnded; count++) {
      const bookingId = `s-${count % SEATS}`;
      const note = { bookingId, eventType: "SeatNoted", eventId: `n-${count}`, timestamp: new Date().toISOString() };
      await session.js.publish(`bookings.${bookingId}.SeatNoted`, JSON.stringify(note));
      published.set(bookingId, (published.get(bookingId) ?? 0) + 1);
      await delay(5);
    }
  })();
  return {
    published,
    end() {
      isEnded = true;
      return done;
    },
  };
}

it("a raised version rolls out under load: each event is decided once, by prices that never fall back", async () => {
  const old = [await start("a", 1), await start("b", 1)];
  const traffic = load();
  await until("both decide", async () =>
    (await Promise.all(old.map(partitionsOf))).every((it) => it.startsWith("2 of")),
  );
  const raised = await start("c", 2);
  await until("it has all", async () => (await partitionsOf(raised)).startsWith(`${PARTITIONS} of`), 30_000);
  const second = await start("d", 2);
  await until("both have half", async () =>
    (await Promise.all([raised, second].map(partitionsOf))).every((it) => it.startsWith("2 of")),
  );
  for (const daemon of old) expect(await daemon.stop()).toBe(0);
  await traffic.end();
  const { published } = traffic;
  await until("all is decided", async () => {
    const said = await told();
    return [...published].every(([id, count]) => said.get(id)?.at(-1)?.notes === count);
  });
  for (const [id, decisions] of await told()) {
    expect(decisions.map(({ revision }) => revision)).toEqual(decisions.map((_, index) => index + 1));
    const prices = decisions.map(({ price }) => price);
    expect(prices, id).toEqual(prices.toSorted((a, b) => a - b));
    expect(prices.at(-1)).toBe(20);
    // What was decided on one event by both is one more.
    expect(decisions.length - (published.get(id) ?? 0), id).toBeLessThanOrEqual(1);
    expect(new Set(decisions.map(({ notes }) => notes)).size).toBe(published.get(id));
  }
  await Promise.all([raised.stop(), second.stop()]);
}, 180_000);

it("who goes back to a lower version reads nothing that a higher one has decided, and says which it takes", async () => {
  const bookingId = "back";
  const note = async (eventId: string) => {
    const event = { bookingId, eventType: "SeatNoted", eventId, timestamp: new Date().toISOString() };
    await session.js.publish(`bookings.${bookingId}.SeatNoted`, JSON.stringify(event));
  };
  const isDecided = (...prices: number[]) =>
    until(`at ${prices}`, async () =>
      isDeepStrictEqual(
        (await told()).get(bookingId)?.map(({ price }) => price),
        prices,
      ),
    );
  const raised = await start("e", 2);
  await note("1");
  await isDecided(20);
  await raised.stop();
  // On the data of the higher one, as a deployment that is taken back.
  const back = spawnDaemon(envOf("e", 1), ARGS);
  let output = "";
  for (const stream of [back.stdout, back.stderr]) stream?.on("data", (chunk) => (output += chunk));
  const gone = once(back, "exit");
  try {
    await note("2");
    await until("the log names the version", () => output.includes("start one with version 2 or newer"), 30_000);
    expect(await partitionsAt(readHttpUrl("e"))).toMatchObject({
      ok: false,
      detail: expect.stringContaining("this daemon has version 1"),
    });
  } finally {
    back.kill("SIGTERM");
    await gone;
  }
  const above = await start("e", 3);
  await isDecided(20, 30);
  await above.stop();
}, 120_000);

it("daemons with different types share what both know, and what is counted is counted once", async () => {
  const known = (await session.jsm.streams.info("BOOKINGS").catch(() => undefined))?.state.messages ?? 0;
  const both = await start("f", 4, { ROLLING_PARCELS: "1" });
  const one = await start("g", 4);
  await until("bookings are shared, parcels are not", async () => {
    const [more, fewer] = await Promise.all([both, one].map(partitionsOf));
    return more?.startsWith(`${PARTITIONS / 2 + PARTITIONS} of`) && fewer?.startsWith(`${PARTITIONS / 2} of`);
  });
  for (let n = 0; n < 20; n++) {
    const at = new Date().toISOString();
    const note = { bookingId: `t-${n}`, eventType: "SeatNoted", eventId: "1", timestamp: at };
    await session.js.publish(`bookings.t-${n}.SeatNoted`, JSON.stringify(note));
    const scan = { parcelId: `p-${n}`, eventType: "ParcelScanned", eventId: "1", timestamp: at, place: "Graz" };
    await session.js.publish(`parcels.p-${n}.ParcelScanned`, JSON.stringify(scan));
  }
  const env = { NATS_URL: server.url, NATSTATE_DATA: join(dataDir, "none") };
  await until("all is counted", async () => {
    const { stdout } = await runCli(["stats", "--json"], env);
    const stats = stdout === "" ? undefined : JSON.parse(stdout);
    return stats?.events.applied === known + 40 && stats?.bookings.total >= 20 && stats.parcels.total === 20;
  });
  await Promise.all([both.stop(), one.stop()]);
}, 120_000);

function readHttpUrl(name: string): string {
  return JSON.parse(readFileSync(join(dataDir, name, "natstate.json"), "utf8")).httpUrl;
}
