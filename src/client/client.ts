/*
 * What other programs import as `natstate/client`: the one place that gathers exports, because it is the package's door.
 */
export {
  type DecisionOf,
  type EventContract,
  type EventOf,
  type OrderDecision,
  type OrderEvent,
  orderContract,
} from "./event-contract.ts";
export {
  type DecisionChange,
  type DecisionFold,
  decisionSubject,
  foldDecisions,
  InvalidDecisionError,
  readDecision,
} from "./fold-decisions.ts";
export {
  EventNotConfirmedError,
  InvalidEventError,
  type PublishEventOptions,
  type PublishedEvent,
  publishEvent,
} from "./publish-event.ts";
