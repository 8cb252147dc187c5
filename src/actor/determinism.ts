import nodeCrypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { asError } from "./as-error.ts";

/*
 * Two runs of the same pure code must give the same, whatever time it is and whatever chance says.
 */

/** What a run may look at and must not. */
type Source = "Date" | "Math.random" | "crypto" | "performance";

/**
 * Runs code twice, under different clocks and different chance. Synchronous; everything is as it was afterwards, also
 * when the code throws.
 *
 * @param run - gives what is compared by its JSON; what it throws is compared by its message.
 * @returns what makes the two differ, for example `Date, Math.random`; undefined when they do not.
 */
export function findNonDeterminism(run: () => unknown): string | undefined {
  const read = new Set<Source>();
  const [first, second] = [1, 2].map((world) => runIn(world, read, run));
  if (first === second) return undefined;
  return read.size === 0 ? "something it keeps between two runs" : [...read].sort().join(", ");
}

/** One thing replaced, and how to put it back. */
type Undo = () => void;

function runIn(world: number, read: Set<Source>, run: () => unknown): string {
  const undo = [...replacements(world, read)].map(([owner, name, value]) => replace(owner, name, value));
  syncBuiltinESMExports();
  try {
    return JSON.stringify(run()) ?? "undefined";
  } catch (error) {
    return `threw ${asError(error).message}`;
  } finally {
    for (const each of undo.reverse()) each();
    syncBuiltinESMExports();
  }
}

function* replacements(world: number, read: Set<Source>): Generator<[object, string, unknown]> {
  const note = <Value>(source: Source, value: Value): Value => {
    read.add(source);
    return value;
  };
  // A year and a bit more apart, so that each part of a date differs.
  const nowMs = Date.UTC(2001, 1, 3, 4, 5, 6, 7) + world * 34_567_890_123;
  let turn = world;
  const chance = () => {
    turn = (Math.imul(turn, 1_103_515_245) + 12_345) >>> 0;
    return turn / 4_294_967_296;
  };
  const bytes = (array: Uint8Array) => array.fill(world);
  yield [globalThis, "Date", dateIn(nowMs, () => note("Date", undefined))];
  yield [Math, "random", () => note("Math.random", chance())];
  yield [performance, "now", () => note("performance", world * 1000 + chance())];
  const uuid = () => note("crypto", `00000000-0000-4000-8000-${String(world).padStart(12, "0")}`);
  const fill = (array: ArrayBufferView) => {
    bytes(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return note("crypto", array);
  };
  yield [globalThis.crypto, "randomUUID", uuid];
  yield [globalThis.crypto, "getRandomValues", fill];
  yield [nodeCrypto, "randomUUID", uuid];
  yield [nodeCrypto, "randomBytes", (size: number) => note("crypto", Buffer.alloc(size, world))];
  yield [
    nodeCrypto,
    "randomInt",
    (low: number, high?: number) => note("crypto", high === undefined ? world % low : low + world),
  ];
}

/** Date as it is, but for what asks what time it is now. */
function dateIn(nowMs: number, asked: () => void): DateConstructor {
  const now = () => {
    asked();
    return nowMs;
  };
  return new Proxy(Date, {
    construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
    apply: () => new Date(now()).toString(),
    get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
  });
}

function replace(owner: object, name: string, value: unknown): Undo {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, before);
  };
}
