import { z } from "zod";
import type { ThingContext, ThingRules } from "./things.ts";

class Money {
  readonly amount = 1;
}

function circle(): object {
  const self: Record<string, unknown> = {};
  self.self = self;
  return { self };
}

/** A conclusion that is a good one but for `change`, of bad things only. */
const concluding = (change: object) => ({
  conclude: ({ bad, n }: ThingContext) => ({
    content: n === undefined ? null : { decisionType: "ThingCounted", n },
    basedOn: [],
    decidedAt: null,
    ...(bad === undefined ? {} : change),
  }),
});

const content = (fields: object) => concluding({ content: { decisionType: "ThingCounted", ...fields } });

const whenBad =
  <Result>(answer: () => Result, otherwise: unknown) =>
  ({ bad }: ThingContext) =>
    bad === undefined ? otherwise : answer();
const throwing = (thrown: unknown) => () => {
  throw thrown;
};

const measuring = (answer: () => unknown) => ({ completeness: whenBad(answer, 50) });

const deciding = (answer: () => unknown) => ({
  conclude: whenBad(answer, { content: { decisionType: "ThingCounted", n: 1 }, basedOn: [], decidedAt: null }),
});

/** Rules that are bad for one actor: what is wrong, the rules, and what the error says of it. */
export const badRules: [string, ThingRules, RegExp][] = [
  [
    "a bigint in the context",
    { made: () => ({ total: 1n }) },
    /context\.bad\.total: a bigint, which JSON does not keep/,
  ],
  ["a circle in the context", { made: circle }, /context\.bad\.self\.self: a circle/],
  ["a function in the context", { made: () => [() => 1] }, /context\.bad\.0: a function/],
  ["a symbol in the context", { made: () => Symbol("s") }, /context\.bad: a symbol/],
  ["a hole in the context", { made: () => [1, undefined] }, /context\.bad\.1: undefined/],
  ["a Date in the context", { made: () => new Date() }, /context\.bad: a Date/],
  ["a Map in the context", { made: () => new Map() }, /context\.bad: a Map/],
  ["an instance of a class in the context", { made: () => new Money() }, /context\.bad: a Money/],
  ["NaN in the context", { made: () => ({ rate: Number.NaN }) }, /context\.bad\.rate: NaN/],
  ["Infinity in the context", { made: () => -Infinity }, /context\.bad: -Infinity/],
  ["a context changed in place", { does: ({ list }) => list.push(1n) }, /object is not extensible/],
  ["a context without an end", { made: () => JSON.parse("[".repeat(1000) + "]".repeat(1000)) }, /: too deep/],
  ["a completeness that is NaN", measuring(() => Number.NaN), /completeness: expected 0 to 100, found NaN/],
  ["a completeness above 100", measuring(() => 101), /completeness: expected 0 to 100, found 101/],
  ["a completeness below 0", measuring(() => -1), /completeness: expected 0 to 100, found -1/],
  ["a completeness that is text", measuring(() => "50"), /completeness: expected 0 to 100, found "50"/],
  ["a completeness that throws", measuring(throwing(new Error("what is it?"))), /what is it\?/],
  ["a completeness that throws nothing", measuring(throwing(undefined)), /Spoiled: undefined/],
  ["a completeness that comes later", measuring(async () => 50), /completeness: .*found a promise/],
  ["no conclusion", deciding(() => undefined), /conclude: expected \{ content, .*\}, found undefined/],
  ["a conclusion that comes later", deciding(async () => ({})), /conclude: .*found a promise/],
  [
    "a conclusion that fails later",
    deciding(async () => {
      throw new Error("later");
    }),
    /conclude: .*found a promise/,
  ],
  ["a conclusion that is a list", deciding(() => []), /conclude: .*found an array/],
  ["a conclusion without content", deciding(() => ({})), /conclude: .*null, found undefined/],
  ["a rule that throws what cannot be shown", deciding(throwing(Object.create(null))), /cannot be shown/],
  [
    "a content without its type",
    concluding({ content: { n: 1 } }),
    /content\.decisionType: undefined is none of ThingC/,
  ],
  ["a content of an unknown type", content({ decisionType: "Other" }), /content\.decisionType: "Other" is none of/],
  ["a withdrawal as content", content({ decisionType: "ThingWithdrawn" }), /content: null says that nothing follows/],
  ["a bigint in the content", content({ n: 1n }), /content\.n: a bigint/],
  ["a circle in the content", content({ n: circle() }), /content\.n\.self\.self: a circle/],
  ["NaN in the content", content({ n: Number.NaN }), /content\.n: NaN/],
  ["a content that sets the revision", content({ revision: 7 }), /content\.revision: that field is the envelope's/],
  ["a content that sets the id", content({ thingId: "other" }), /content\.thingId: that field is the envelope's/],
  ["a content too large for NATS", content({ n: "x".repeat(70_000) }), /content and basedOn: 70\d\d\d bytes, at most/],
  [
    "decided yesterday",
    concluding({ content: { decisionType: "ThingCounted" }, decidedAt: "yesterday" }),
    /decidedAt: .*"yesterday"/,
  ],
  [
    "decided at no time",
    concluding({ content: { decisionType: "ThingCounted" }, decidedAt: undefined }),
    /decidedAt: /,
  ],
  ["based on nothing", concluding({ content: { decisionType: "ThingCounted" }, basedOn: undefined }), /basedOn: /],
  ["based on numbers", concluding({ content: { decisionType: "ThingCounted" }, basedOn: [1] }), /basedOn: .*an array/],
  [
    "a content that is not as described",
    {
      ...content({ n: "two" }),
      decisions: { ThingCounted: z.object({ n: z.number() }), ThingWithdrawn: z.object({}) },
    },
    /content\.n: Invalid input: expected number, received string/,
  ],
  ["states that chase each other", { target: "looping" }, /Infinite loop detected: .* more than 100 microsteps/],
  ["a guard that throws", { target: "broken" }, /broken guard/],
  ["an action that throws", { does: throwing(new Error("no such thing")) }, /no such thing/],
];
