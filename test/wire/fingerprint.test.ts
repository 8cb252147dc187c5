import { defineActor } from "natstate";
import { expect, it } from "vitest";
import { assign, setup } from "xstate";
import { z } from "zod";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { fingerprintOf } from "../../src/wire/fingerprint.ts";

interface Rules {
  readonly field?: string;
  readonly by?: () => number;
  readonly conclude?: () => { content: null };
}

function counter({ field = "step", by = () => 1, conclude = () => ({ content: null }) }: Rules = {}): ActorType {
  const machine = setup({ types: { context: {} as { sum: number } } }).createMachine({
    context: { sum: 0 },
    on: { Counted: { actions: assign({ sum: by }) } },
  });
  const events = { Counted: z.object({ [field]: z.number() }) };
  return defineActor({ name: "counter", events, machine, conclude }) as ActorType;
}

it("is the same for the same type, made twice", () => {
  expect(fingerprintOf(counter())).toBe(fingerprintOf(counter()));
  expect(fingerprintOf(counter())).toMatch(/^[0-9a-f]{16}$/);
  expect(fingerprintOf(orderType as ActorType)).toBe(fingerprintOf({ ...(orderType as ActorType) }));
});

it("is another one with another contract, another rule, or another function in what is assigned", () => {
  const others = [
    counter({ field: "stride" }),
    counter({ by: () => 2 }),
    counter({ conclude: () => JSON.parse('{"content":null}') }),
  ];
  const all = [counter(), ...others].map(fingerprintOf);
  expect(new Set(all).size).toBe(4);
});
