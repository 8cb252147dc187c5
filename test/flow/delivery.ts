import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { firstHeader } from "../../src/wire/headers.ts";
import type { Lane } from "../../src/wire/lanes.ts";

/** Lane 3 of the order type. */
export const orderLane: Lane = { type: orderType as ActorType, stream: "ORDERS", partition: 3 };

/** A delivery as the stream would hand it over, without headers and of lane 3 unless told; acknowledging it does nothing. */
export function deliver(
  sequence: number,
  subject: string,
  body: string | Uint8Array | object,
  { headers = {}, lane = orderLane }: { headers?: Record<string, string>; lane?: Lane } = {},
): Delivery {
  const [collection, ...rest] = subject.split(".");
  const bytes =
    body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body), "utf8");
  return {
    lane,
    sequence,
    subject: [collection, lane.partition, ...rest].join("."),
    body: bytes,
    header: (name) => firstHeader(Object.entries(headers), name),
    headers: () => Object.entries(headers),
    storedAtMs: Date.parse("2026-03-01T00:00:00Z") + sequence,
    ack() {},
  };
}
