import type { ActorType } from "../actor/actor-type.ts";
import { hasParallel } from "../actor/state-text.ts";
import { DEAD_LETTER_HEADERS, LEFT_OUT } from "./headers.ts";
import type { JsonSchema } from "./json-schemas.ts";
import { REJECTION_REASONS } from "./rejection.ts";

const text = (description: string) => ({ type: "string", description });
const traceparent = {
  type: "string",
  pattern: "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
  description: "W3C Trace Context.",
};

/** Headers natstate reads of an event, their names in any case; none is required. */
export const eventHeaders: JsonSchema = {
  type: "object",
  properties: {
    "Nats-Msg-Id": text("The event's identity when the body has no eventId; the stream drops it for two minutes."),
    "Natstate-Correlation-Id": text("When the body has no correlationId."),
    traceparent: { ...traceparent, description: "W3C Trace Context; its trace id is the last resort of correlation." },
    "ce-specversion": text(
      "CloudEvents 1.0, binary mode; with ce-id, ce-source, ce-type, ce-time, ce-subject, percent-encoded.",
    ),
  },
};

/** Headers of every decision. */
export const decisionHeaders: JsonSchema = {
  type: "object",
  required: ["Nats-Msg-Id", "Natstate-Revision"],
  properties: {
    "Nats-Msg-Id": text("<collection>:<id>:<revision>"),
    "Natstate-Revision": { type: "string", pattern: "^[1-9][0-9]*$" },
    "Natstate-Type-Version": {
      type: "string",
      pattern: "^[0-9]+$",
      description: "Of the actor type by whose rules it was taken.",
    },
    traceparent: { ...traceparent, description: "Of the event that caused it, when that had one." },
  },
};

/** Headers of every dead letter; the original ones come with them, `Nats-*` as `Natstate-Original-Nats-*`. */
export const deadLetterHeaders: JsonSchema = {
  type: "object",
  required: ["Nats-Msg-Id", ...DEAD_LETTER_HEADERS],
  properties: {
    "Nats-Msg-Id": text("dead:<stream>:<sequence>"),
    "Natstate-Reason": { type: "string", enum: [...REJECTION_REASONS] },
    "Natstate-Error": text("One line a person can act on."),
    "Natstate-Subject": text("As stored, with the partition token."),
    "Natstate-Stream": text("The stream that holds the original."),
    "Natstate-Sequence": { type: "string", pattern: "^[1-9][0-9]*$" },
    [LEFT_OUT]: text("How many of the original headers had no room; there when it is not 0."),
  },
};

/** An answer that is a refusal. */
export const errorAnswer: JsonSchema = {
  headers: {
    type: "object",
    required: ["Nats-Service-Error-Code", "Nats-Service-Error"],
    properties: {
      "Nats-Service-Error-Code": { type: "string", enum: ["400", "404", "410", "413", "500", "503"] },
      "Nats-Service-Error": text("For a person."),
    },
  },
  payload: {
    type: "object",
    required: ["error"],
    properties: {
      error: {
        type: "object",
        required: ["code", "message"],
        properties: { code: text("Stable, snake_case."), message: text("For a person.") },
      },
    },
  },
};

/** Of parallel states all are told. */
function describeState({ machine, states }: ActorType) {
  return hasParallel(machine.root)
    ? text(`Joined by " · ": ${states.join(", ")}.`)
    : { type: "string", enum: [...states] };
}

const nothing = { type: "string", maxLength: 0, description: "Nothing: the subject says it all." };
const objects = { type: "array", items: { type: "object" } };

/** Body of each question and of its answer (`answers/queries.ts`); facets are left open, they are the actor type's own. */
export const queryAnswers = {
  get: {
    question: nothing,
    answer: (type: ActorType) => ({
      type: "object",
      required: [type.idField, "processingStatus", "dataCompleteness", "decision", "version", "lastUpdated"],
      properties: {
        [type.idField]: text("The id asked for."),
        processingStatus: describeState(type),
        state: describeState(type),
        value: { description: "XState's state value." },
        due: { ...objects, description: "Delays it waits for, the earliest first: path and at." },
        dataCompleteness: { type: "number", minimum: 0, maximum: 100 },
        decision: { type: ["object", "null"], description: "The standing decision as published." },
        version: { type: "integer", description: "Number of distinct events." },
        lastUpdated: { type: "string", format: "date-time" },
        eventHistory: objects,
        waitingFor: { type: "array", items: { type: "string", enum: Object.keys(type.events) } },
      },
    }),
  },
  history: {
    question: nothing,
    answer: (type: ActorType) => ({
      type: "object",
      required: [type.idField, "events", "decisions"],
      properties: { [type.idField]: text("The id asked for."), events: objects, decisions: objects },
    }),
  },
  list: {
    question: { type: "object", description: "Filters, limit and cursor; or nothing." },
    answer: (type: ActorType) => ({
      type: "object",
      required: [type.collection, "nextCursor"],
      properties: { [type.collection]: objects, nextCursor: { type: ["string", "null"] } },
    }),
  },
  stats: {
    question: nothing,
    answer: (type: ActorType) => ({
      type: "object",
      required: [type.collection, "standing", "events", "decisions", "deadLetters"],
      properties: { [type.collection]: { type: "object" }, events: { type: "object" }, decisions: { type: "object" } },
    }),
  },
} as const;
