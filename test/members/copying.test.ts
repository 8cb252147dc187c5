import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { atOnce } from "../../src/flow/pieces.ts";
import { createCopyGiving } from "../../src/members/copy-giving.ts";
import { type BusyWait, type Copied, createCopyTaking, newBusyWait } from "../../src/members/copy-taking.ts";
import { type CopyPiece, encodeAnswer, readCopyAnswer, readCopyQuestion } from "../../src/members/copy-wire.ts";
import { createLaneCopies } from "../../src/store/lane-copy.ts";
import { clearStaged } from "../../src/store/staged-actors.ts";
import { daemonSubject } from "../../src/wire/names.ts";
import { meterEvent } from "../flow/meters.ts";
import type { Station } from "../flow/station.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { ALSO_OURS, contentsOf, LANE, lanes, openFilled, openKnown } from "../store/filled-lane.ts";
import { until } from "../until.ts";

let server: TestServer;
let nc: NatsConnection;
let ids = 0;

beforeAll(async () => {
  server = await startTestServer();
  nc = await connect({ servers: server.url });
});

afterAll(async () => {
  await nc.close();
  await server.stop();
});

/** What a giver does to an answer on its way: gives it as it is, another one, or none. */
type OnTheWay = (piece: CopyPiece, bytes: Buffer) => Buffer | undefined;

interface Pair extends Disposable {
  readonly giver: Station;
  readonly taker: Station;
  readonly id: string;
  readonly giving: ReturnType<typeof createCopyGiving>;
  /** Why it has refused questions. */
  readonly refused: readonly string[];
  /** The taker's daemon ends. */
  end(): void;
  /** The taker's daemon reads it from now on. */
  read(): void;
  /** It is read along there from now on. */
  follow(): void;
  copy(wait?: BusyWait): Promise<Copied>;
}

/** Two stores, and a giver that answers for the first. @param bytes - of one piece, about. */
function openPair({ bytes = 20_000, onTheWay }: { bytes?: number; onTheWay?: OnTheWay } = {}): Pair {
  const giver = openFilled();
  const taker = openKnown();
  const id = `giver-${++ids}`;
  const refused: string[] = [];
  const giving = createCopyGiving({
    ...{ copies: createLaneCopies(giver.file), lanes, maxPayload: () => bytes + 4096 },
    onTrouble(error) {
      throw error;
    },
  });
  const subscription = nc.subscribe(daemonSubject(id, "copy"), {
    callback: (_, message) => giving.take({ data: message.data, respond: (body) => respond(message, body) }),
  });
  function respond(message: Msg, body: unknown): boolean {
    const { answer, bytes: rows } = readCopyAnswer(body as Buffer);
    if ("refused" in answer) refused.push(answer.refused);
    if (onTheWay === undefined || "refused" in answer) return message.respond(body as Buffer);
    const changed = onTheWay(answer, rows);
    return changed !== undefined && message.respond(changed);
  }
  const ending = new AbortController();
  let isRead = false;
  let isFollowed = false;
  const taking = createCopyTaking({
    ...{ nc, store: taker, onAdopting: taker.actors.evictLane, onProgress() {}, ended: ending.signal },
    isRead: () => isRead,
    isFollowed: () => isFollowed,
  });
  return {
    ...{ giver, taker, id, giving, refused },
    end: () => ending.abort(new Error("this daemon ends")),
    read() {
      isRead = true;
    },
    follow() {
      isFollowed = true;
    },
    copy: (wait = newBusyWait()) => taking.copy(LANE, id, wait),
    [Symbol.dispose]() {
      subscription.unsubscribe();
      giving.stop();
      giver[Symbol.dispose]();
      taker[Symbol.dispose]();
    },
  };
}

const isEmpty = (station: Station) => Object.values(contentsOf(station.db)).every((rows) => rows.length === 0);

it("a lane is copied from one daemon to another in pieces, also where a row is longer than a piece", async () => {
  const sizes: number[] = [];
  using pair = openPair({
    bytes: 5000,
    onTheWay(piece, bytes) {
      sizes.push(bytes.length);
      return encodeAnswer(piece, bytes);
    },
  });
  pair.giver.db
    .prepare("UPDATE events SET body = ? WHERE rowid = 5")
    .run(JSON.stringify({ value: "x".repeat(40_000) }));
  const { rows, bytes } = await pair.copy();
  expect(contentsOf(pair.taker.db)).toEqual(contentsOf(pair.giver.db));
  expect(Object.values(contentsOf(pair.giver.db)).flat()).toHaveLength(rows + 1);
  expect(Math.max(...sizes)).toBe(5000);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes);
  expect(pair.giving.given()).toBe(0);
});

it("a lane that is copied twice at a time is copied once after the other: what is staged is never half of it", async () => {
  using pair = openPair({ bytes: 2000 });
  const [first, second] = await Promise.allSettled([pair.copy(), pair.copy()]);
  expect(first).toMatchObject({ status: "fulfilled" });
  expect(second).toMatchObject({
    status: "rejected",
    reason: { message: expect.stringContaining("read no further than this one") },
  });
  expect(contentsOf(pair.taker.db)).toEqual(contentsOf(pair.giver.db));
});

it("a copy that is whole when its lane is read already is not adopted: it would be changed under its reader", async () => {
  using pair = openPair({ bytes: 2000 });
  const copying = pair.copy();
  pair.read();
  await expect(copying).rejects.toThrow("reads it itself by now");
  expect(isEmpty(pair.taker)).toBe(true);
});

it.each([
  ["when it comes to its end", true],
  ["and is not lost when that comes to nothing", false],
])(
  "what is applied of a lane that is followed while it is copied makes no difference to the copy %s",
  async (_, isWhole) => {
    let pieces = 0;
    using pair = openPair({
      bytes: 2000,
      onTheWay(piece, bytes) {
        // Who is in the copy already, and who is not yet.
        if (++pieces === 3) follow();
        return encodeAnswer(
          isWhole || piece.end === null ? piece : { ...piece, end: { ...piece.end, rows: 1 } },
          bytes,
        );
      },
    });
    const { db, processor } = pair.taker;
    const ids = () => db.prepare("SELECT id FROM actors ORDER BY id").pluck().all() as string[];
    const events = ["busy", ...ALSO_OURS].map((id, index) => meterEvent(LANE, 1 + index, 1, { id }));
    let outcomes: readonly string[] = [];
    function follow(): void {
      outcomes = processor.apply(events).handled.map(({ outcome }) => outcome);
    }
    pair.follow();
    if (isWhole) {
      await pair.copy();
      expect(contentsOf(db)).toEqual(contentsOf(pair.giver.db));
    } else {
      await expect(pair.copy()).rejects.toThrow("the copy is not whole");
      expect(ids()).toEqual(["busy", ...ALSO_OURS].toSorted());
    }
    expect(new Set(outcomes)).toEqual(new Set(["applied"]));
  },
);

const FLAWS: readonly (readonly [what: string, says: RegExp, onTheWay: OnTheWay])[] = [
  [
    "a bit was flipped",
    /piece 2 was changed on its way/,
    (piece, bytes) => {
      const answer = encodeAnswer(piece, bytes);
      if (piece.piece === 2) answer[answer.length - 9] = (answer.at(-9) ?? 0) ^ 1;
      return answer;
    },
  ],
  [
    "a piece was exchanged for another one",
    /piece 1 is not piece 2/,
    (piece, bytes) => encodeAnswer({ ...piece, piece: Math.min(piece.piece, 1) }, bytes),
  ],
  [
    "it ends too early",
    /the copy is not whole/,
    (piece, bytes) => encodeAnswer({ ...piece, end: { rows: 1, bytes: 1, digest: "0".repeat(64) } }, bytes),
  ],
  [
    "the giver had begun anew",
    /piece 2 is of another copy/,
    (piece, bytes) =>
      encodeAnswer(piece.piece < 2 ? piece : { ...piece, stand: { ...piece.stand, checkpoint: 1 } }, bytes),
  ],
  [
    "it is of another schema",
    /the store's schema is 1 there and \d+ here/,
    (piece, bytes) => encodeAnswer({ ...piece, origin: { ...piece.origin, schema: 1 } }, bytes),
  ],
  [
    "a higher version of the type keeps it",
    /version 2 of meter keeps it there, and this daemon has version 1/,
    (piece, bytes) => encodeAnswer({ ...piece, origin: { ...piece.origin, typeVersion: 2 } }, bytes),
  ],
  ["it is no answer", /the answer is not that of a daemon of this version/, () => Buffer.from("{}\n")],
  ["it has no end of line", /the answer is none/, () => Buffer.alloc(100_000, "x")],
];

it.each(FLAWS)("nothing of a copy is adopted when %s", async (_, says, onTheWay) => {
  using pair = openPair({ bytes: 5000, onTheWay });
  await expect(pair.copy()).rejects.toThrow(says);
  expect(isEmpty(pair.taker)).toBe(true);
});

it("a daemon that ends waits for no giver that says nothing", { timeout: 4000 }, async () => {
  let pieces = 0;
  using pair = openPair({
    bytes: 5000,
    onTheWay: (piece, bytes) => (++pieces > 1 ? undefined : encodeAnswer(piece, bytes)),
  });
  const copied = expect(pair.copy()).rejects.toThrow("this daemon ends");
  await until("the giver is asked, and says nothing", () => pieces > 1);
  pair.end();
  await copied;
  // It does not wait either for what is staged to be removed.
  expect(pair.taker.db.prepare("SELECT count(*) FROM staged").pluck().get()).toBe(1);
  atOnce(clearStaged(pair.taker.db));
  expect(isEmpty(pair.taker)).toBe(true);
});

it("a daemon that has read no further than this one gives no copy", async () => {
  using pair = openPair();
  await pair.copy();
  await expect(pair.copy()).rejects.toThrow("that daemon has read no further than this one");
});

it("a giver gives four at a time; one that is not asked for more is free again", async () => {
  using pair = openPair({ bytes: 5000 });
  const ask = async (copy: string | null, piece: number) => {
    const question = JSON.stringify({ stream: LANE.stream, partition: LANE.partition, copy, piece });
    const { data } = await nc.request(daemonSubject(pair.id, "copy"), question, { timeout: 5000 });
    return readCopyAnswer(data).answer;
  };
  const begun = await Promise.all(Array.from({ length: 4 }, () => ask(null, 1)));
  expect(await ask(null, 1)).toMatchObject({ refused: "busy" });
  expect(pair.giving.given()).toBe(4);
  const [first] = begun;
  const copy = first !== undefined && "copy" in first ? first.copy : null;
  // What was not heard is given once more, and nothing is left out.
  expect(await ask(copy, 1)).toEqual(first);
  expect(await ask(copy, 3)).toMatchObject({ refused: "over" });
  expect(await ask("unknown", 2)).toMatchObject({ refused: "over" });
  pair.giving.stop();
  expect(pair.giving.given()).toBe(0);
  expect(await ask(copy, 2)).toMatchObject({ refused: "over" });
});

it("a copy waits for one who gives as many as it may", async () => {
  using pair = openPair({ bytes: 5000 });
  const question = { stream: LANE.stream, partition: LANE.partition, copy: null, piece: 1 };
  const ask = async () => (await nc.request(daemonSubject(pair.id, "copy"), JSON.stringify(question))).data;
  for (let index = 0; index < 4; index++) await ask();
  const copied = pair.copy();
  await until("it is refused", () => pair.refused.includes("busy"));
  pair.giving.stop();
  expect(await copied).toMatchObject({ rows: expect.any(Number) });
  expect(contentsOf(pair.taker.db)).toEqual(contentsOf(pair.giver.db));
});

it("one who is busy is waited for so long in all, not for so long a copy", async () => {
  using pair = openPair({ bytes: 5000 });
  const question = { stream: LANE.stream, partition: LANE.partition, copy: null, piece: 1 };
  for (let index = 0; index < 4; index++) await nc.request(daemonSubject(pair.id, "copy"), JSON.stringify(question));
  const wait = { leftMs: 500 };
  await expect(pair.copy(wait)).rejects.toThrow("4 copies are being given");
  const asked = pair.refused.length;
  expect(asked).toBeGreaterThan(1);
  await expect(pair.copy(wait)).rejects.toThrow("4 copies are being given");
  expect(pair.refused).toHaveLength(asked + 1);
});

it("what is no question is none", () => {
  const question = { stream: "METERS", partition: 1, copy: null, piece: 1 };
  expect(readCopyQuestion(Buffer.from(JSON.stringify(question)))).toEqual(question);
  expect(readCopyQuestion(Buffer.from("{"))).toBeUndefined();
  expect(readCopyQuestion(Buffer.from(JSON.stringify({ ...question, partition: -1 })))).toBeUndefined();
  expect(readCopyQuestion(Buffer.from(JSON.stringify({ ...question, stream: "x".repeat(10_000) })))).toBeUndefined();
});
