import { expect, it } from "vitest";
import { agedOf } from "../../src/care/aged-events.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import type { ImageEvent } from "../../src/store/stored-actor.ts";

const CREATED_MS = 5000;

const at = (sequence: number, storedAtMs: number) => ({ sequence, storedAtMs }) as ImageEvent & Delivery;

function aged(events: readonly ImageEvent[], held: readonly Delivery[]): number[] {
  const found = agedOf(events, held, { firstSequence: 1, createdMs: CREATED_MS });
  return found.map(({ sequence }) => sequence);
}

it("what a stream that was made anew replaced is taken from the store, also under the sequence of another message", () => {
  expect(aged([at(1, 1000), at(2, 2000), at(3, 6000)], [at(1, 5500), at(3, 6000)])).toEqual([1, 2]);
});

it("what a stream holds that a cluster has restored is held against it, not taken from the store", () => {
  const events = [at(1, 1000), at(2, 2000), at(3, 6000)];
  expect(aged(events, events)).toEqual([]);
});

it("what was heard before that which a restored stream lacks is taken from the store with it, in its order", () => {
  expect(aged([at(3, 3000), at(1, 1000), at(2, 2000)], [at(1, 1000), at(3, 3000)])).toEqual([1, 2]);
});
