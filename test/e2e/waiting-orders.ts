import { waitingType } from "../flow/waiting-type.ts";

/** Orders that wait for a time: docs/nats-secure.conf is about orders. */
export const waitingOrder = { ...waitingType(), name: "order", collection: "orders", idField: "orderId" };

export default [waitingOrder];
