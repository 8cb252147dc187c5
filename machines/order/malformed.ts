import type { TrafficMessage } from "../../src/actor/actor-type.ts";

/** Far more than 24 h ahead of any stream. */
const FUTURE = "2199-01-01T00:00:00.000Z";

const NO_FIELDS = { amount: undefined, status: undefined };

/**
 * A message that can never be accepted, about an order that exists, so that its neighbours can be seen to be unharmed.
 * Every one of them would change the order if any part of it were believed.
 *
 * @param index - consecutive indexes cycle through the reasons, and through several ways of each.
 * @param orderId - a valid order id.
 * @param lateMs - later than any other event about it, ms since the epoch.
 */
export function malformedMessage(index: number, orderId: string, lateMs: number): TrafficMessage {
  // The index never repeats within a run, so that no two of an order's messages share an id.
  const eventId = `${orderId}-malformed-${index}`;
  const timestamp = new Date(lateMs).toISOString();
  const payment = { orderId, timestamp, eventType: "PaymentProcessed", eventId, amount: 1, status: "failed" };
  const good = JSON.stringify(payment);
  const changed = (changes: object) => JSON.stringify({ ...payment, ...changes });
  // Reason, body and, when it is not the payment's, the subject's last token. One of each reason comes first, so that
  // a handful already shows them all.
  const ways: readonly (readonly [rejectedAs: string, body: TrafficMessage["body"], eventType?: string])[] = [
    ["malformed_json", "payment failed, see attachment"],
    ["invalid_event", changed({ amount: "1", status: 0 })],
    ["unknown_event_type", changed({ eventType: "OrderTeleported" }), "OrderTeleported"],
    ["subject_mismatch", changed({ orderId: `${orderId}-other` })],
    ["reserved_type", changed({ eventType: "xstate.init" }), "xstate"],
    ["timestamp_out_of_range", changed({ timestamp: FUTURE })],
    ["malformed_json", good.slice(0, -10)],
    ["invalid_event", changed({ status: undefined })],
    ["subject_mismatch", changed({ eventType: "InventoryReserved", reservedItems: {}, warehouseId: "warehouse-west" })],
    ["malformed_json", ""],
    // Written by hand, since JSON.stringify would drop both: fields that arrive by the prototype, a number too great.
    ["invalid_event", changed(NO_FIELDS).replace("{", '{"__proto__":{"amount":1,"status":"failed"},')],
    ["malformed_json", invalidUtf8(good)],
    ["invalid_event", good.replace('"amount":1', '"amount":1e999')],
    ["invalid_event", changed({ timestamp: "2026-06-01T00:00:00" })],
  ];
  const [rejectedAs, body, eventType = "PaymentProcessed"] = ways[index % ways.length] ?? ["malformed_json", ""];
  return { subject: `orders.${orderId}.${eventType}`, body, rejectedAs };
}

/** The same event with a note that is no UTF-8; a lenient decoder would still read the event. */
function invalidUtf8(json: string): Uint8Array {
  return new Uint8Array([...new TextEncoder().encode(json.replace(/}$/, ',"note":"')), 0xff, 0x22, 0x7d]);
}
