import fc from "fast-check";

/** What fast-check makes up. */
export const anyValue = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: "binary" }),
  fc.double(),
  fc.integer(),
  fc.constant(null),
);

/** Every event type, as it should be. */
export const SAMPLES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  OrderCreated: {
    customerId: "c-1",
    totalAmount: 99.99,
    currency: "EUR",
    items: [{ sku: "s-1", quantity: 2, price: 1 }],
  },
  PaymentProcessed: { transactionId: "t-1", amount: 10, status: "successful", method: "card" },
  InventoryReserved: { reservedItems: { "sku-1": 2, constructor: 1 }, warehouseId: "west" },
  ShippingCalculated: {
    shippingCost: 4.9,
    estimatedDays: 3,
    carrierOptions: [{ name: "a", cost: 1, estimatedDays: 2 }],
  },
  LoyaltyPointsUpdated: { pointsEarned: -5, totalPoints: 100, tierStatus: "gold" },
};

/** Order ids, most of them none. */
export const IDS = [
  "a",
  "A_b-c:1",
  "x".repeat(128),
  "x".repeat(129),
  "",
  "a.b",
  "*",
  ">",
  "a b",
  "..",
  "../x",
  "a/b",
  "a\u0000",
  "é",
  "__proto__",
  "constructor",
  "$SYS",
  "a\n",
];

/** Timestamps; only the first is used most of the time. */
export const TIMES = [
  "2026-02-01T12:00:00Z",
  "2026-02-01T12:00:00.123456789Z",
  "2026-02-01t12:00:00z",
  "2026-02-01 12:00:00+02:00",
]
  .concat("2026-02-01T12:00:00.1000-23:59", "2024-02-29T00:00:00Z", "2025-02-29T00:00:00Z", "2026-02-01T24:00:00Z")
  .concat(
    "2026-02-01T12:00:60Z",
    "2026-02-01T12:00:00",
    "0000-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "0050-06-15T10:00:00Z",
  )
  .concat(
    "2026-03-02T00:00:00Z",
    "2026-03-02T00:00:00.001Z",
    "2026-03-02T01:00:00+01:00",
    "2026-13-01T00:00:00Z",
    "2026-02-01T12:00:00.Z",
  )
  .concat("2026-02-01T12:00:00+24:00", "2026-02-01T12:00:00+01:60", `2026-02-01T12:00:00.${"0".repeat(60)}Z`);

/** Ids and labels of headers. */
export const TEXTS = ["m-1", "", " ", "x".repeat(256), "x".repeat(257), "\u{1f600}".repeat(128), "null", "__proto__"];
/** Values of `traceparent`. */
export const TRACES = ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-0", "", "x".repeat(5000)];
/** Stored subjects. */
export const SUBJECTS = [
  "orders.1.x.OrderCreated",
  "orders.1.order-1.PaymentProcessed",
  "orders.1..OrderCreated",
  "orders",
  "",
  "orders.1.a.b.c",
  "orders.1.x.__proto__",
];
/** Pieces of JSON, and what only looks like it. */
export const TOKENS = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  "\\u0000",
  "\\ud800",
  '"a"',
  "1",
  "-0",
  "1e999",
  "null",
  "true",
  "\u0000",
  "\ufeff",
  '"__proto__"',
  '"\\u005f_proto__":1,',
  "/**/",
  "NaN",
  " ",
];
/** Values as JSON can write them and JSON.stringify never does. */
export const RAW_VALUES = [
  "1e999",
  "-1e999",
  "-0",
  "0.0",
  "1E2",
  "12345678901234567890",
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83d\\ude00"',
  '"\\u0000"',
];
/** Values at the edge of one rule or another. */
export const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  2 ** 53,
  2 ** 53 - 1,
  -(2 ** 53),
  1e308,
  5e-324,
  "",
  " ",
  "0",
  "10",
  [],
  {},
  [[]],
  [null],
  { length: 1 },
  { "": 1 },
]
  .concat(
    "x".repeat(256),
    "x".repeat(257),
    "EUR",
    "eur",
    "EURO",
    "EUR\n",
    "failed",
    "OrderCreated",
    "xstate.init",
    "xstate",
    "a.b",
    "2026-02-01T12:00:00Z",
  )
  .concat([
    Array.from({ length: 1001 }, () => ({ sku: "s", quantity: 1 })) as never,
    Array.from({ length: 101 }, () => ({ name: "n" })) as never,
  ])
  .concat(Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`s${index}`, 1])) as never);
