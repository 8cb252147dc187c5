import { checkout } from "../../examples/checkout/actors.ts";
import { machine } from "../../examples/checkout/machine.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";

/** Milliseconds in which a cart has to be paid. */
export const DEADLINE_MS = 2000;

/** The example with a deadline that a test can wait for. */
const shortCheckout = {
  ...checkout,
  machine: machine.provide({ delays: { paymentDeadline: DEADLINE_MS } }),
} as ActorType;

export default [shortCheckout];
