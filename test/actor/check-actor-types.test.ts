import { expect, it } from "vitest";
import { createMachine } from "xstate";
import { z } from "zod";
import { actorTypes } from "../../machines/registry.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { checkActorTypes } from "../../src/actor/check-actor-types.ts";
import { parcelType } from "../parcel.ts";

const order = actorTypes[0] as ActorType;
const changed = (change: Partial<ActorType>): ActorType => ({ ...parcelType, ...change });
const machine = (config: Parameters<typeof createMachine>[0]) =>
  createMachine({ ...config, on: Object.fromEntries(Object.keys(parcelType.events).map((type) => [type, {}])) });
const flat = Object.fromEntries(parcelType.states.map((state) => [state, {}]));
const eventType = (name: string): Partial<ActorType> => ({ events: { ...parcelType.events, [name]: z.object({}) } });
const initial = parcelType.states[0] as string;
const last = parcelType.states.at(-1) as string;

it("nothing is wrong with those there are", () => {
  expect(checkActorTypes([...actorTypes, parcelType])).toEqual([]);
});

it("an event type may have dots, as XState's own documentation has them", () => {
  const names = ["parcel.lost", "parcel.lost.abroad", "Parcel_2.lost-3"];
  const events = Object.fromEntries(names.map((name) => [name, z.object({})]));
  expect(checkActorTypes([changed({ events: { ...parcelType.events, ...events } })])).toEqual([]);
});

it("what rules are shown may be taken apart", () => {
  const isAnnounced = changed({ completeness: ({ matches }) => (matches("announced") ? 0 : 101) });
  expect(checkActorTypes([isAnnounced])).toEqual([]);
});

it.each<[string, Partial<ActorType>, RegExp]>([
  ["a collection that is no subject token", { collection: "my parcels" }, /collection "my parcels" is not/],
  ["a name in capitals", { name: "Parcel" }, /name "Parcel" is not/],
  ["a collection of ours", { collection: "decisions" }, /taken by natstate/],
  ["a collection that is a field of the counts", { collection: "events" }, /taken by natstate/],
  ["an id field that is no field", { idField: "parcel id" }, /idField "parcel id" is not/],
  ["an id field of the envelope", { idField: "timestamp" }, /idField "timestamp" is a field that/],
  ["no event types", { events: {} }, /it has no event types/],
  [
    "an event type that is no subject token",
    eventType("Parcel lost"),
    /event type "Parcel lost" is not .*: call it ParcelLost, say/,
  ],
  ...Object.entries({
    "parcel..lost": "parcel.lost",
    ".lost": "Lost",
    "lost.": "Lost",
    "parcel:lost": "parcel.lost",
    "parcel/lost by us": "parcel.lostByUs",
    "parcel.Lost (abroad)": "parcel.LostAbroad",
  }).map(([name, better]): [string, Partial<ActorType>, RegExp] => [
    `${name} as an event type`,
    eventType(name),
    new RegExp(
      `event type ".*" is not letters, digits, hyphens and underscores, with single dots.*: call it ${better}, say`,
    ),
  ]),
  [
    "a key for several as an event type",
    eventType("parcel.*"),
    /event type "parcel\.\*" is a key for several: name each/,
  ],
  [
    "an event type that is longer than a subject should be",
    eventType(`${"parcel.".repeat(40)}lost`),
    /longer than 256 characters/,
  ],
  ["an event type of XState's", eventType("xstate-done"), /event type "xstate-done" .*XState's own/],
  ["another of XState's", eventType("xstate.done.state.x"), /event type "xstate.done.state.x" .*XState's own/],
  ["an event type of natstate's", eventType("TimePassed"), /event type TimePassed is reserved/],
  [
    "two event types that a row cannot tell apart",
    { events: { ...parcelType.events, plumless: z.object({}), buckeroo: z.object({}) } },
    /event types buckeroo and plumless have the same CRC-32/,
  ],
  ["a collection of another", { collection: order.collection }, /another with the collection "orders"/],
  ["a name of another", { name: order.name }, /another of this name/],
  ["a state missing", { states: parcelType.states.slice(1) }, /states are .*, those of its machine are/],
  [
    "a nested state that is not named by its path",
    {
      machine: machine({
        initial,
        states: { ...flat, [initial]: { initial: "a", states: { a: {}, h: { type: "history" } } } },
      }),
    },
    new RegExp(`those of its machine are ${initial}\\.a, `),
  ],
  [
    "a delay",
    { machine: machine({ initial, states: { ...flat, [initial]: { after: { 1000: parcelType.states[1] } } } }) },
    /has a delay/,
  ],
  ["an ordering there is not", { ordering: "arrival" as never }, /ordering "arrival" is neither event-time nor merge/],
  ["a grace that is none", { graceMs: -1 }, /graceMs -1 is not 0 or more milliseconds/],
  ["no facts at all", { maxFacts: 0 }, /maxFacts 0 is not a whole number from 1/],
  [
    "by event time, a guard that is nowhere",
    {
      ordering: "event-time",
      machine: machine({
        initial,
        states: { ...flat, [last]: { on: { ParcelScanned: { guard: "isThere", actions: () => {} } } } },
      }),
    },
    /guard isThere is not implemented/,
  ],
  [
    "a context that depends on the time it is",
    { machine: machine({ context: () => ({ at: Date.now() }) }) },
    /its machine or rules depend on Date/,
  ],
  [
    "a call",
    { machine: machine({ initial, states: { ...flat, [initial]: { invoke: { src: "fetch" } } } }) },
    /invokes fetch: an actor calls nobody; let a service/,
  ],
  ["a withdrawal that is no decision", { withdrawn: "Never" }, /withdrawn "Never" is none of/],
  ["decisions not described", { decisions: {} }, /does not describe/],
  ["a view over an answer's field", { view: () => ({ decision: 1 }) }, /its view has decision/],
  ["a view over what a held actor's answer has", { view: () => ({ quarantine: 1 }) }, /its view has quarantine/],
  [
    "a view that fails on nothing",
    {
      view() {
        throw new Error("no facets");
      },
    },
    /its view.* fails on an actor nothing is known of: no facets/,
  ],
  ["a context JSON does not keep", { machine: machine({ context: { seen: new Map() } }) }, /context.seen: a Map/],
  ["a view JSON does not keep", { view: () => ({ seen: 1n }) }, /view.seen: a bigint/],
  ["a completeness that is none", { completeness: () => Number.NaN }, /completeness: expected 0 to 100, found NaN/],
  [
    "a rule that gives its content alone",
    { ordering: "event-time", conclude: () => null as never },
    /its rule that concludes fails .*: conclude: expected \{ content \}, found null/,
  ],
  ["a rule that promises", { conclude: (async () => {}) as never }, /conclude: expected .*, found a promise/],
  ["what is waited for later", { waitingFor: (async () => []) as never }, /waitingFor: a Promise/],
  ["an async action", { machine: machine({ entry: async () => {} }) }, /entry: an action is async/],
  [
    "an async action with a name",
    {
      machine: machine({ initial, states: { ...flat, [initial]: { entry: "mail" } } }).provide({
        actions: { mail: async () => {} },
      }),
    },
    /state announced, entry: an action is async/,
  ],
  [
    "states that chase each other from the start",
    { machine: machine({ initial: "a", states: { a: { always: "b" }, b: { always: "a" } } }) },
    /its machine, whose input is \{ id \}, fails on an actor nothing is known of: Infinite loop/,
  ],
  [
    "a withdrawal with fields",
    { decisions: { ParcelArrived: z.object({}), ParcelDecisionWithdrawn: z.object({ why: z.string() }) } },
    /wants fields of ParcelDecisionWithdrawn/,
  ],
  [
    "an event with what JSON does not keep",
    {
      events: {
        ...parcelType.events,
        ParcelScanned: z.object({ at: z.array(z.object({ time: z.coerce.date() })).optional() }),
      },
    },
    /event type ParcelScanned.at.time is a date, which JSON does not keep/,
  ],
  [
    "an event with another timestamp than it has",
    { events: { ...parcelType.events, ParcelScanned: z.object({ timestamp: z.number().optional() }) } },
    /event type ParcelScanned.timestamp is of type number: every event has a field of that name, which is text/,
  ],
  [
    "an event that is checked later",
    { events: { ...parcelType.events, ParcelScanned: z.object({ place: z.string().refine(async () => true) }) } },
    /event type ParcelScanned.place is checked asynchronously/,
  ],
])("%s is told", (_what, change, problem) => {
  expect(checkActorTypes([order, changed(change)]).join("\n")).toMatch(problem);
});

it("a contract may say what its events have anyway, and call what is inside as it likes", () => {
  const inside = z.object({ timestamp: z.number(), parcelId: z.number() });
  const ParcelScanned = z.looseObject({ timestamp: z.string(), parcelId: z.coerce.number(), at: inside });
  expect(checkActorTypes([changed({ events: { ...parcelType.events, ParcelScanned } })])).toEqual([]);
});

it("a contract may make what it likes of what its events have anyway, or leave it to their headers", () => {
  const ms = z.number().int();
  const contracts = [
    z.object({ timestamp: z.preprocess((text) => Date.parse(String(text)), ms) }),
    z.object({ timestamp: z.string().transform(Date.parse).pipe(ms) }),
    z.object({ timestamp: z.codec(z.iso.datetime(), ms, { decode: Date.parse, encode: String }), amount: ms }),
    z.object({ timestamp: ms.catch(0), eventType: z.union([ms, z.string()]) }),
    z.object({ correlationId: ms.optional(), eventId: ms.default(0) }),
  ];
  for (const ParcelScanned of contracts) {
    const sent = { timestamp: "2026-01-01T00:00:00Z", eventType: "ParcelScanned", amount: 1 };
    expect(ParcelScanned.safeParse(sent).success).toBe(true);
    expect(checkActorTypes([changed({ events: { ...parcelType.events, ParcelScanned } })])).toEqual([]);
  }
  const ParcelScanned = z.object({ amount: ms, timestamp: ms, eventId: ms.nullable() });
  expect(
    checkActorTypes([changed({ events: { ...parcelType.events, ParcelScanned } })]).map((line) => line.split(":")[1]),
  ).toEqual([
    expect.stringContaining("ParcelScanned.timestamp is of type number"),
    expect.stringContaining("ParcelScanned.eventId is of type number"),
  ]);
});

it("by event time a machine may wait", () => {
  const states = { ...flat, [initial]: { after: { 1000: parcelType.states[1] } } };
  const waiting = createMachine({ context: {}, initial, states, on: { "*": {} } } as never);
  expect(checkActorTypes([changed({ ordering: "event-time", machine: waiting })])).toEqual([]);
});

it("an event may be handled by a machine that handles any", () => {
  const any = createMachine({ initial, states: flat, on: { "*": {} } });
  expect(checkActorTypes([changed({ machine: any })])).toEqual([]);
});

it("states within states are those without states in them, by path; parallel ones stand one by one", () => {
  const nested = createMachine({
    on: { "*": {} },
    type: "parallel",
    states: { money: { initial: "open", states: { open: {}, paid: {}, before: { type: "history" } } }, seen: {} },
  });
  expect(checkActorTypes([changed({ machine: nested, states: ["money.open", "money.paid", "seen"] })])).toEqual([]);
});

it("an event may be transformed by its contract into something else that JSON keeps", () => {
  const place = z
    .string()
    .trim()
    .default("nowhere")
    .transform((text) => ({ text }));
  const weight = z.preprocess(Number, z.number().catch(0));
  const events = { ...parcelType.events, ParcelScanned: z.object({ place, weight }) };
  expect(checkActorTypes([changed({ events })])).toEqual([]);
});

it("all problems are told at once, with the type's name", () => {
  const problems = checkActorTypes([order, changed({ collection: "orders", withdrawn: "Never" })]);
  expect(problems).toHaveLength(2);
  for (const problem of problems) expect(problem).toMatch(/^actor type "parcel": /);
});

it("no types at all are told", () => {
  expect(checkActorTypes([])).toHaveLength(1);
});
