import type { JetStreamManager } from "@nats-io/jetstream";
import { type Delivery, toDelivery } from "../flow/delivery.ts";
import type { History } from "../flow/retired.ts";
import type { Lane } from "../wire/lanes.ts";
import { messagesOn } from "./leader-reader.ts";
import { decisionsOn } from "./published-decisions.ts";

/** Reads what the streams hold of one actor, from the leaders. @param upTo - its events up to this stream sequence. */
export async function readActorHistory(
  jsm: JetStreamManager,
  lane: Lane,
  actorId: string,
  upTo: number,
): Promise<History> {
  const events = `${lane.type.collection}.${lane.partition}.${actorId}.*`;
  const deliveries: Delivery[] = [];
  for await (const message of messagesOn(jsm, lane.stream, events)) {
    if (message.sequence > upTo) break;
    deliveries.push(toDelivery(lane, message));
  }
  const { decisions } = await decisionsOn(jsm, lane.type, actorId);
  return { deliveries, decisions };
}
