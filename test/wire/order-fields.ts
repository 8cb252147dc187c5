import { Refusal } from "./refusal.ts";

/* The fields of an order's events, written from docs/wire.md by hand and without any code of `src/` or `machines/`. */

type Json = Record<string, unknown>;

/** @returns what an event keeps of the value. */
type Check = (value: unknown) => unknown;

/** A check, and that the field may be absent. */
interface Field {
  readonly check: Check;
  readonly optional?: true;
}

const within = (value: unknown, least: number, isWhole: boolean): number => {
  if (typeof value !== "number" || !Number.isFinite(value) || value < least) throw new Refusal("invalid_event");
  if (isWhole && !Number.isSafeInteger(value)) throw new Refusal("invalid_event");
  return value === 0 ? 0 : value;
};
const amount = { check: (value: unknown) => within(value, 0, false) };
const count = { check: (value: unknown) => within(value, 0, true) };
const points: Field = {
  check(value) {
    if (!Number.isSafeInteger(value)) throw new Refusal("invalid_event");
    // JSON can say -0, and never writes it: an event is read as its stored copy would be.
    return value === 0 ? 0 : value;
  },
};
const string = (least: number): Field => ({
  check(value) {
    if (typeof value !== "string" || value.length < least || value.length > 256) throw new Refusal("invalid_event");
    return value;
  },
});
const oneOf = (...names: string[]): Field => ({
  check(value) {
    if (!names.some((name) => name === value)) throw new Refusal("invalid_event");
    return value;
  },
});
const list = (most: number, check: Check): Field => ({
  check(value) {
    if (!Array.isArray(value) || value.length > most) throw new Refusal("invalid_event");
    return value.map(check);
  },
});
const optional = ({ check }: Field): Field => ({ check, optional: true });

function object(fields: Readonly<Record<string, Field>>): Check {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refusal("invalid_event");
    const found: Json = {};
    for (const [name, field] of Object.entries(fields)) {
      const inner = Object.hasOwn(value, name) ? (value as Json)[name] : undefined;
      if (inner === undefined && field.optional) continue;
      found[name] = field.check(inner);
    }
    return found;
  };
}

const currency: Field = {
  check(value) {
    if (typeof value !== "string" || !/^[A-Z][A-Z][A-Z]$/.test(value)) throw new Refusal("invalid_event");
    return value;
  },
};
const item = object({
  sku: string(1),
  quantity: { check: (value) => within(value, 1, true) },
  price: optional(amount),
});
const carrier = object({ name: string(1), cost: optional(amount), estimatedDays: optional(count) });
const reserved: Field = {
  check(value) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refusal("invalid_event");
    const entries = Object.entries(value);
    if (entries.length > 1000) throw new Refusal("invalid_event");
    return Object.fromEntries(entries.map(([sku, quantity]) => [string(1).check(sku), count.check(quantity)]));
  },
};

/** Per event type, what it keeps of its fields; fields that no contract names are dropped. */
export const EVENTS: Readonly<Record<string, Check>> = {
  OrderCreated: object({ customerId: string(1), totalAmount: amount, currency, items: optional(list(1000, item)) }),
  PaymentProcessed: object({
    transactionId: optional(string(0)),
    amount,
    status: oneOf("pending", "successful", "failed"),
    method: optional(string(0)),
  }),
  InventoryReserved: object({ reservedItems: reserved, warehouseId: string(0) }),
  ShippingCalculated: object({
    shippingCost: amount,
    estimatedDays: count,
    carrierOptions: optional(list(100, carrier)),
  }),
  LoyaltyPointsUpdated: object({ pointsEarned: points, totalPoints: points, tierStatus: string(0) }),
};
