import { expect, it } from "vitest";
import { startDeadLetterAgeing } from "../../src/care/dead-letter-ageing.ts";
import { heldOf } from "../../src/jetstream/known-streams.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { createAgedDeadLetters } from "../../src/store/dead-letter-rows.ts";
import { createTestClock } from "../clock.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { openStation, type Station } from "../flow/station.ts";
import { startTestServer } from "../server.ts";

const types = [orderLane.type];

/** `count` dead letters, of messages 1, 2, ...; the n-th is published as message n + 1000, but for those `due`. */
function fill(station: Station, count: number, due: readonly number[] = []): void {
  const bad = Array.from({ length: count }, (_, index) => deliver(index + 1, "orders.o.X", "{"));
  const { deadLetters } = station.processor.apply(bad);
  const told = deadLetters.filter(({ sequence }) => !due.includes(sequence));
  station.outbox.markPublished(
    [],
    told.map((row) => ({ row, sequence: row.sequence + 1000 })),
  );
}

const left = (station: Station) =>
  station.db.prepare("SELECT sequence FROM dead_letters ORDER BY sequence").pluck().all() as number[];

/** Between two rounds. */
const EVERY_MS = 60_000;

/** Runs one round. */
async function age(station: Station, firstEvent: number, firstDeadLetter: number): Promise<number> {
  let forgotten = 0;
  const clock = createTestClock();
  const end = startDeadLetterAgeing({
    types,
    rows: createAgedDeadLetters(station.db),
    held: async () => ({ firstEvent, firstDeadLetter }),
    isFree: () => true,
    onForgotten: (_type, count) => {
      forgotten += count;
    },
    onTrouble(error) {
      throw error;
    },
    clock,
  });
  await clock.pass(EVERY_MS + 1000);
  end();
  return forgotten;
}

it("a dead letter is given up once neither its own message nor the one it was is held any more", async () => {
  using station = openStation();
  fill(station, 130, [3, 7]);
  expect(await age(station, 1, 1)).toBe(0);
  expect(await age(station, 1, 2000)).toBe(0);
  expect(await age(station, 500, 1001)).toBe(0);
  expect(await age(station, 101, 1121)).toBe(98);
  // What is not published yet stays, however old.
  expect(left(station)).toEqual([3, 7, ...Array.from({ length: 30 }, (_, index) => index + 101)]);
  expect(await age(station, 200, 1111)).toBe(10);
});

it("finding them reads an index only", () => {
  using station = openStation();
  const plan = station.db
    .prepare(`EXPLAIN QUERY PLAN SELECT rowid, published, sequence, former FROM dead_letters
      INDEXED BY dead_letters_told WHERE type = ? AND published > ? AND published < ? ORDER BY published LIMIT ?`)
    .all("order", 0, 1, 1) as { detail: string }[];
  expect(plan.map(({ detail }) => detail).join()).toMatch(/COVERING INDEX dead_letters_told/);
  expect(plan).toHaveLength(1);
});

it("where streams begin is said of those that the store knows, and of no others", async () => {
  await using server = await startTestServer();
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  const { jsm, js } = session;
  const created: Record<string, string> = {};
  for (const [name, subject] of [
    ["ORDERS", "orders.>"],
    ["DEAD_LETTERS", "deadletters.>"],
  ] as const) {
    created[name] = (await jsm.streams.add({ name, subjects: [subject] })).created;
    for (let nth = 0; nth < 3; nth++) await js.publish(subject.replace(">", "x"), "");
  }
  await jsm.streams.purge("ORDERS", { seq: 3 });
  await jsm.streams.purge("DEAD_LETTERS");
  const known = (name: string) => created[name];
  const records = { streamCreated: known };
  const outboxStreams = { find: (name: string) => ({ created: known(name) ?? "", end: 3, last: null }) };
  expect(await heldOf(jsm, records, outboxStreams, orderLane.type)).toEqual({ firstEvent: 3, firstDeadLetter: 4 });
  created.ORDERS = "2026-01-01T00:00:00Z";
  expect(await heldOf(jsm, records, outboxStreams, orderLane.type)).toBeUndefined();
  await session.close();
});
