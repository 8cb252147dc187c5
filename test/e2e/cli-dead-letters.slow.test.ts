import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { until } from "../until.ts";
import { api, daemon, dir, parse, run, useSystem } from "./cli-system.ts";

let session: Session;

useSystem();
beforeAll(async () => {
  session = await openSession({ url: daemon.natsUrl, name: "test" }, () => {});
});
afterAll(() => session.close());

/** Publishes, and waits until its dead letter is there. @returns the dead letter's sequence. */
async function publishBad(orderId: string, body: string, header: Record<string, string>): Promise<string> {
  const subject = `orders.${orderId}.OrderCreated`;
  const all = headers();
  for (const [name, value] of Object.entries(header)) all.set(name, value);
  await session.js.publish(subject, body, { headers: all });
  return until(`${orderId} is a dead letter`, async () => {
    const { deadLetters } = await api("dead-letters");
    const found = deadLetters.find((letter: { subject: string }) => letter.subject.endsWith(`${orderId}.OrderCreated`));
    return found?.publishedSequence?.toString();
  });
}

test("dead letters are listed newest first, shown with their bytes, and missing ones are exit code 3", async () => {
  const { deadLetters } = parse(await run("dead-letters", "list", "--json"));
  const sequences = deadLetters.map(({ sequence }: { sequence: number }) => sequence);
  expect(sequences).toEqual(sequences.toSorted((a: number, b: number) => b - a));
  const [newest] = deadLetters;
  const [two, sameReason, shown, missing] = await Promise.all([
    run("dead-letters", "list", "--limit", "2", "--json").then(parse),
    run("dead-letters", "list", "--reason", newest.reason, "--json").then(parse),
    run("dead-letters", "show", String(newest.sequence), "--json").then(parse),
    run("dead-letters", "show", "999999"),
  ]);
  expect(two.deadLetters).toEqual(deadLetters.slice(0, 2));
  expect(sameReason.deadLetters).toEqual(
    deadLetters.filter(({ reason }: { reason: string }) => reason === newest.reason),
  );
  expect(Buffer.from(shown.body, shown.encoding)).toHaveLength(newest.bytes);
  expect(missing).toMatchObject({ code: 3, stdout: "" });
});

test("a dead letter redriven with a corrected body is applied: its CloudEvents headers are restored", async () => {
  const sequence = await publishBad("cloudy", `{"customerId":"c"}`, {
    "ce-specversion": "1.0",
    "ce-id": "c1",
    "ce-type": "com.example.OrderCreated",
    "ce-time": "2026-01-01T00:00:00Z",
    "ce-subject": "cloudy",
  });
  const body = join(dir, "corrected.json");
  await writeFile(body, `{"customerId":"c","totalAmount":1,"currency":"EUR"}`);
  const dryRun = await run("dead-letters", "redrive", sequence, "--body", body, "--dry-run");
  expect(dryRun).toMatchObject({ code: 0, stdout: expect.stringContaining("would be redriven") });
  expect(await api("orders/cloudy")).toBeUndefined();
  const redriven = await run("dead-letters", "redrive", sequence, "--body", body, "--json");
  expect(parse(redriven).deadLetters).toMatchObject([{ outcome: "redriven", subject: "orders.cloudy.OrderCreated" }]);
  await until("it is applied", () => api("orders/cloudy"));
});

test("a correction that is none is refused before it is sent, unless it is forced", async () => {
  const sequence = await publishBad("negative", "{", {});
  const body = join(dir, "negative.json");
  const event = { orderId: "negative", eventType: "OrderCreated", timestamp: "2026-01-01T00:00:00Z" };
  await writeFile(body, JSON.stringify({ ...event, customerId: "c", totalAmount: -1, currency: "EUR" }));
  const refused = await run("dead-letters", "redrive", sequence, "--body", body);
  expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/invalid_event: totalAmount/) });
  const forced = await run("dead-letters", "redrive", sequence, "--body", body, "--force");
  expect(forced).toMatchObject({ code: 0, stderr: expect.stringContaining("dead-letters list shows whether") });
});

test("what was redriven is not redriven with the next --reason or --all, and nor are the copies that came back", async () => {
  const body = JSON.stringify({ orderId: "inner", eventType: "xstate.init", timestamp: "2026-01-01T00:00:00Z" });
  await publishBad("inner", body, {});
  const list = async () => parse(await run("dead-letters", "list", "--reason", "reserved_type", "--json")).deadLetters;
  const redrive = async (...args: string[]) =>
    parse(await run("dead-letters", "redrive", "--reason", "reserved_type", "--json", ...args));
  const before = (await list()).length;
  const first = await redrive();
  expect(first).toMatchObject({ skipped: 0 });
  expect(first.deadLetters).toHaveLength(before);
  await until("the copies came back", async () => (await list()).length === 2 * before);
  expect(await redrive()).toEqual({ deadLetters: [], skipped: 2 * before });
  expect((await redrive("--again", "--dry-run")).deadLetters).toHaveLength(2 * before);
  const all = await run("dead-letters", "redrive", "--all", "--dry-run");
  expect(all.stdout).toMatch(/\d+ skipped: redriven before, or copies of those; --again sends them too\n$/);
});

test("a dead letter's two sequences have the same names on the command line and in the API", async () => {
  const [letter] = parse(await run("dead-letters", "list", "--limit", "1", "--json")).deadLetters;
  const { streamSequence, deadLetterSequence } = letter;
  expect(deadLetterSequence).toBe(letter.sequence);
  await until("the API has it", async () => (await api(`dead-letters/${streamSequence}`))?.deadLetterSequence !== null);
  expect(await api(`dead-letters/${streamSequence}`)).toMatchObject({ streamSequence, deadLetterSequence });
});

test("a redrive the stream's duplicate window swallows is told, with exit code 1", async () => {
  const sequence = await publishBad("twice", "{", { "Nats-Msg-Id": "twice-1" });
  const ran = await run("dead-letters", "redrive", sequence);
  expect(ran).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("duplicate: ORDERS remembers its Nats-Msg-Id"),
  });
  expect(ran.stderr).toContain("nothing is lost");
});

test("redrive sends nothing when one of the sequences is not there", async () => {
  const sequence = await publishBad("alone", "{", {});
  const { state } = await session.jsm.streams.info("ORDERS");
  expect((await run("dead-letters", "redrive", sequence, "999999")).code).toBe(3);
  expect((await session.jsm.streams.info("ORDERS")).state.last_seq).toBe(state.last_seq);
});
