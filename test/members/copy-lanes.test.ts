import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { MissingMessagesError } from "../../src/jetstream/missing-messages.ts";
import { StreamIdentityError } from "../../src/jetstream/stream-identity.ts";
import { createCopyLanes } from "../../src/members/copy-lanes.ts";
import { createCopySources } from "../../src/members/copy-sources.ts";
import type { LaneAt } from "../../src/members/copy-taking.ts";
import { CopyError } from "../../src/members/copy-wire.ts";
import type { Member } from "../../src/members/member.ts";
import { type Lane, lanesOf } from "../../src/wire/lanes.ts";
import { createTestClock } from "../clock.ts";
import { until } from "../until.ts";
import { aMember, knowing } from "./a-member.ts";

const lanes = lanesOf(orderType as ActorType, 4);
const [lane] = lanes as [Lane];

/** So far has a daemon read the lane. */
const readTo = (checkpoint: number, intactTo = checkpoint) =>
  ({ stand: { checkpoint, intactTo, decisionsTo: 0, deadLettersTo: 0, decidedBy: 1, heardMs: null } }) as LaneAt;

interface Situation {
  /** What each daemon says of the lane. */
  readonly has?: Readonly<Record<string, LaneAt | Error | undefined>>;
  readonly members?: readonly Member[];
  /** Nobody may lack what is gone up to here. */
  readonly goneTo?: number;
  /** Where the stream ends, and how far we have read it. */
  readonly end?: number;
  readonly read?: number;
  readonly fails?: Error;
  /** A copy takes until the daemon ends. */
  readonly isSlow?: boolean;
}

/** One who joins; what it copied, from whom, and whom it asked. */
function open({ has = {}, members, goneTo, end = 0, read = 0, fails, isSlow = false }: Situation) {
  const clock = createTestClock();
  const ending = new AbortController();
  const asked: string[] = [];
  const copied: string[] = [];
  const waits = new Set<object>();
  let cleared = 0;
  const ask = async (_: Lane, id: string) => {
    asked.push(id);
    const at = has[id];
    if (at instanceof Error) throw at;
    return at;
  };
  const { find } = createCopySources({} as never, "us", ask);
  const copyLanes = createCopyLanes({
    sources: { members: async () => members ?? Object.keys(has).map((id) => aMember(id)), find },
    jsm: { streams: { info: async () => ({ state: { last_seq: end } }) } } as never,
    taking: {
      ask,
      async clear() {
        cleared++;
      },
      async copy(_, id, wait) {
        waits.add(wait);
        if (fails !== undefined) throw fails;
        copied.push(id);
        if (isSlow && !ending.signal.aborted)
          await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
        return { rows: 1, bytes: 1, tookMs: 1 };
      },
    },
    missing: {
      async check(checked) {
        if (goneTo !== undefined) throw new MissingMessagesError("messages are gone", goneTo, checked);
      },
    },
    ...{ records: { completeTo: () => read }, partitions: 4, ended: ending.signal, clock },
    ...{ onBegin() {}, onCopied() {}, onFailed() {} },
  });
  /** All its rounds. */
  async function bring(which: readonly Lane[] = [lane]): Promise<void> {
    let isOver = false;
    const brought = copyLanes.bring(which).finally(() => {
      isOver = true;
    });
    brought.catch(() => {});
    while (!isOver) await clock.pass(100);
    return brought;
  }
  return {
    bring,
    asked,
    copied,
    cleared: () => cleared,
    waits,
    clock,
    begin: () => copyLanes.bring([lane]),
    end: () => ending.abort(new Error("ends")),
  };
}

it("lanes that are brought together share how long one who is busy is waited for", async () => {
  const { bring, copied, waits } = open({ has: { owner: readTo(90_000) }, end: 100_000 });
  await bring(lanes);
  expect(copied).toHaveLength(lanes.length);
  expect(waits.size).toBe(1);
});

it("a lane is brought by one at a time: whoever reads it next waits until no copy of it is on its way", async () => {
  const { begin, copied, cleared, end } = open({ has: { a: readTo(50, 90) }, goneTo: 60, isSlow: true });
  const both = Promise.allSettled([begin(), begin()]);
  await until("the first has begun", () => copied.length === 1);
  expect(cleared()).toBe(1);
  end();
  await both;
  expect([copied.length, cleared()]).toEqual([2, 2]);
});

it("what is gone is copied from whoever has read the most, and who cannot be asked or does not fit is passed over", async () => {
  const has = { a: readTo(50, 90), b: readTo(80), c: undefined, d: new CopyError("no good here") };
  const { bring, copied } = open({ has, goneTo: 60 });
  await bring();
  expect(copied).toEqual(["a"]);
});

it("nobody has it: all who answer are asked three times, then it is refused with the reason", async () => {
  const { bring, asked, copied } = open({ has: { a: readTo(50), b: undefined }, goneTo: 60 });
  const refused = bring();
  await expect(refused).rejects.toThrow("messages are gone\nNo daemon that answers has read them either.");
  await expect(refused).rejects.toBeInstanceOf(StreamIdentityError);
  expect([asked, copied]).toEqual([["a", "b", "a", "b", "a", "b"], []]);
  await expect(open({ goneTo: 60 }).bring()).rejects.toThrow("No other daemon answers.");
});

it.each([
  [
    "who may have it could not be asked",
    { has: { a: new Error("timeout") } },
    /cannot be read without a copy: timeout$/,
  ],
  [
    "who reads it has not noted yet that it lacks nothing",
    { has: { a: readTo(50) }, members: [aMember("a", { streams: [knowing({ holds: [0] })] })] },
    /who reads it is asked again$/,
  ],
  ["who has it is busy", { has: { a: readTo(90) }, fails: new CopyError("busy: 4 copies are being given") }, /busy/],
] as const)("it is tried again later, and is no refusal, when %s", async (_, situation, says) => {
  const refused = open({ ...situation, goneTo: 60 }).bring();
  await expect(refused).rejects.toThrow(says);
  await expect(refused).rejects.not.toBeInstanceOf(StreamIdentityError);
});

it.each([
  [9000, 1000, readTo(8000), ["a"]],
  // Half of it is read here.
  [9000, 4500, readTo(9000), []],
  // Few of them are of the lane.
  [3900, 0, readTo(3900), []],
  // Who has it is no further.
  [9000, 1000, readTo(1900), []],
])("of %i messages %i are read: it is copied where that saves reading most of it", async (end, read, at, from) => {
  const { bring, copied } = open({ has: { a: at }, end, read });
  await bring();
  expect(copied).toEqual(from);
});

it("what may be read from the stream as well is read from there when a copy fails", async () => {
  const { bring, copied } = open({ has: { a: readTo(9000) }, end: 9000, fails: new CopyError("over") });
  await bring();
  expect(copied).toEqual([]);
});

it("a daemon that ends waits for no further round", async () => {
  const { begin, end, clock, asked } = open({ has: { a: readTo(50) }, goneTo: 60 });
  const ended = expect(begin()).rejects.toThrow("ends");
  while (clock.waiting() === 0) await new Promise(setImmediate);
  end();
  await ended;
  expect(asked).toEqual(["a"]);
});
