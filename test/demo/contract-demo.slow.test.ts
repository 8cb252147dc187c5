import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { checkout } from "../../examples/checkout/actors.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { runDemo } from "../../src/demo/demo.ts";
import type { Report } from "../../src/demo/report.ts";
import { parcelType } from "../parcel.ts";

const { rehearsal: _none, ...parcel } = parcelType;
const TYPES = [parcel, checkout] as readonly ActorType[];

/** @returns the reports of both. */
async function demo(types: readonly ActorType[]): Promise<Record<string, Report>> {
  const [out, progress] = [new PassThrough(), new PassThrough()];
  progress.resume();
  const actors = new Map(types.map((type) => [type, 30]));
  const options = { types, actors, seed: 2, keep: false, json: true, env: process.env };
  await runDemo({ ...options, out, progress }).finally(() => out.end());
  return JSON.parse(await text(out)) as Record<string, Report>;
}

it("types without a rehearsal are shown with what their contract takes, and each actor is what its events in order say", async () => {
  const { parcels, checkouts } = await demo(TYPES);
  for (const report of [parcels, checkouts]) {
    expect(report).toMatchObject({ ok: true, expectedBy: "order of events", differences: [], actors: 30 });
    expect(report?.events.duplicate).toBeGreaterThan(0);
  }
  expect(checkouts?.events.reordered).toBeGreaterThan(0);
});
