import type { DecisionOf, EventContract, EventOf } from "../../src/client/contract.ts";
import * as decisions from "../../src/client/fold-decisions.ts";
import * as events from "../../src/client/publish-event.ts";
import { orderContract } from "./contract.ts";

/*
 * What other programs import as `natstate/client`: the package's door, the one place that gathers exports. It is the order
 * they speak of, unless they give the contract of another actor type.
 */

export type { DecisionOf, EventContract, EventOf } from "../../src/client/contract.ts";
export { InvalidDecisionError } from "../../src/client/fold-decisions.ts";
export { InvalidEventError, type PublishedEvent } from "../../src/client/publish-event.ts";
export { orderContract } from "./contract.ts";

type OrderContract = typeof orderContract;
export type OrderEvent = EventOf<OrderContract>;
export type OrderDecision = DecisionOf<OrderContract>;
export type DecisionChange<Contract extends EventContract = OrderContract> = decisions.DecisionChange<Contract>;
export type DecisionFold<Contract extends EventContract = OrderContract> = decisions.DecisionFold<Contract>;

export interface PublishEventOptions<Contract extends EventContract = OrderContract>
  extends events.PublishEventOptions {
  /** Of another actor type than the order. */
  readonly contract?: Contract;
}

/** {@link events.EventNotConfirmedError} */
export const EventNotConfirmedError = events.EventNotConfirmedError;
export type EventNotConfirmedError<Contract extends EventContract = OrderContract> =
  events.EventNotConfirmedError<Contract>;

/** {@link events.publishEvent} */
export function publishEvent<Contract extends EventContract = OrderContract>(
  js: Parameters<typeof events.publishEvent>[0],
  event: EventOf<NoInfer<Contract>>,
  { contract, ...options }: PublishEventOptions<Contract> = {},
): Promise<events.PublishedEvent> {
  return events.publishEvent(js, orOrder(contract), event, options);
}

/** {@link decisions.decisionSubject} */
export function decisionSubject(id?: string, contract: Pick<EventContract, "collection"> = orderContract): string {
  return decisions.decisionSubject(contract, id);
}

/** {@link decisions.readDecision} */
export function readDecision<Contract extends EventContract = OrderContract>(
  body: Uint8Array | string,
  contract?: Contract,
): DecisionOf<Contract> {
  return decisions.readDecision(orOrder(contract), body);
}

/** {@link decisions.foldDecisions} */
export function foldDecisions<Contract extends EventContract = OrderContract>(
  contract?: Contract,
  known?: Iterable<DecisionOf<Contract>>,
): DecisionFold<Contract> {
  return decisions.foldDecisions(orOrder(contract), known);
}

/** Where none is given, the type parameter is the order's, too. */
function orOrder<Contract extends EventContract>(contract: Contract | undefined): Contract {
  return contract ?? (orderContract as EventContract as Contract);
}
