import type { DecisionOf, EventContract, EventOf } from "../../src/client/contract.ts";
import { type DecisionFold, decisionsOf } from "../../src/client/decisions-of.ts";
import * as client from "../../src/client/publish-event.ts";
import { orderContract } from "./contract.ts";

/*
 * What other programs import as `natstate/client`: the package's door, the one place that gathers exports. What is given
 * no actor type is about the bundled order.
 */

export { defineContract } from "../../src/actor/define-contract.ts";
export {
  type ConsumeDecisionsOptions,
  consumeDecisions,
  type DecisionConsumer,
} from "../../src/client/consume-decisions.ts";
export type { DecisionOf, EventContract, EventOf } from "../../src/client/contract.ts";
export {
  type DecisionChange,
  type DecisionFold,
  type Decisions,
  decisionsOf,
  InvalidDecisionError,
} from "../../src/client/decisions-of.ts";
export {
  EventNotConfirmedError,
  InvalidEventError,
  type PublishEventOptions,
  type PublishedEvent,
} from "../../src/client/publish-event.ts";
export { orderContract } from "./contract.ts";

type Order = typeof orderContract;
export type OrderEvent = EventOf<Order>;
export type OrderDecision = DecisionOf<Order>;

type JetStream = Parameters<typeof client.publishEvent>[0];

/** What is published is of the bundled order, where an event stands in the actor type's place. */
type Told<First> = First extends { readonly eventType: unknown } ? OrderEvent : First;
type Rest<First> = First extends EventContract
  ? [event: EventOf<First>, options?: client.PublishEventOptions]
  : [options?: client.PublishEventOptions];

/**
 * {@link client.publishEvent}; `publishEvent(js, event, options)` is of the bundled order. One signature: an older TypeScript
 * tells of overloads all that do not fit, and not at the field.
 */
export function publishEvent<First extends EventContract | { readonly eventType: string }>(
  js: JetStream,
  first: Told<First>,
  ...rest: Rest<NoInfer<First>>
): Promise<client.PublishedEvent> {
  const given: readonly unknown[] = [first, ...rest];
  const [actor, event, options] = "eventType" in (first as object) ? [orderContract, ...given] : given;
  return client.publishEvent<EventContract>(
    js,
    actor as Order,
    event as OrderEvent,
    options as client.PublishEventOptions,
  );
}

const orders = decisionsOf(orderContract);
/** {@link Decisions} of the bundled order. */
export const decisionSubject = orders.subject;
export const readDecision = orders.read;
export const foldDecisions = (_contract = orderContract, known?: Iterable<OrderDecision>): DecisionFold<Order> =>
  orders.fold(known);
