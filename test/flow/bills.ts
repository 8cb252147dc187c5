import { assign, createMachine } from "xstate";
import { z } from "zod";
import type { ActorType, Conclusion } from "../../src/actor/actor-type.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver } from "./delivery.ts";

interface Context {
  readonly total: number;
}

/** A bill that lapses after a minute, and is settled when enough is paid. It needs its opening to be paid. */
export const billType = {
  name: "bill",
  collection: "bills",
  idField: "billId",
  events: { Opened: z.object({}), Paid: z.object({ amount: z.number() }), Noted: z.object({}) },
  machine: createMachine({
    types: {} as { context: Context; events: { type: string; data: { amount: number } } },
    context: { total: 0 },
    initial: "new",
    states: {
      new: {
        on: {
          Opened: "open",
          Paid: {
            actions: () => {},
            target: "new",
          },
        },
      },
      open: {
        after: { 60000: "lapsed" },
        on: {
          Paid: {
            actions: assign({ total: ({ context, event }) => context.total + event.data.amount }),
            target: "deciding",
          },
        },
      },
      deciding: { always: [{ guard: ({ context }) => context.total >= 10, target: "paid" }, "open"] },
      paid: {},
      lapsed: {},
    },
  }),
  version: 1,
  states: ["new", "open", "deciding", "paid", "lapsed"],
  decisionTypes: ["BillPaid", "BillLapsed", "BillWithdrawn"],
  withdrawn: "BillWithdrawn",
  conclude({ matches, context }): Conclusion {
    if (context.total === 666) throw new Error("the devil's amount");
    if (matches("paid")) return { content: { decisionType: "BillPaid", total: context.total } };
    return { content: matches("lapsed") ? { decisionType: "BillLapsed" } : null };
  },
  completeness: ({ matches }) => (matches("new") ? 0 : 50),
  view: ({ context }) => ({ ...context }),
  waitingFor: () => [],
} satisfies ActorType<Context> as ActorType;

/** Its partition 3. */
export const billLane: Lane = { type: billType, stream: "BILLS", partition: 3 };
export const START_MS = Date.parse("2026-02-01T00:00:00Z");
export const at = (second: number) => new Date(START_MS + second * 1000).toISOString();

interface Told {
  readonly id?: string;
  /** Seconds: event time, and when it is stored. */
  readonly second: number;
  readonly stored: number;
  readonly amount?: number;
}

let sequence = 0;
export const nextSequence = () => ++sequence;

/** The next message of the stream, about bill `b`. */
export function bill(type: string, { id = `${type}-1`, second, stored, amount }: Told): Delivery {
  const body = { billId: "b", eventType: type, eventId: id, timestamp: at(second), ...(amount && { amount }) };
  return {
    ...deliver(nextSequence(), `bills.b.${type}`, body, { lane: billLane }),
    storedAtMs: START_MS + stored * 1000,
  };
}
export const tick = (due: number, stored: number) => bill("TimePassed", { id: `time:${at(due)}`, second: due, stored });
export const opened = (second: number, stored = second) => bill("Opened", { second, stored });
export const paid = (second: number, amount: number, stored = second) =>
  bill("Paid", { id: `p-${second}`, second, amount, stored });
