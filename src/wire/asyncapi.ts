import type { ActorType } from "../actor/actor-type.ts";
import { byName, contractSchemas, type JsonSchema } from "./json-schemas.ts";
import { deadLetterHeaders, decisionHeaders, errorAnswer, eventHeaders, queryAnswers } from "./message-parts.ts";
import {
  ACTOR_ID_EXPECTED,
  deadLetterSubject,
  decisionSubject,
  eventStream,
  eventSubject,
  querySubject,
} from "./names.ts";
import { REJECTION_REASONS } from "./rejection.ts";
import { tickSubject } from "./tick.ts";

/** Of one actor or of all, asked by NATS request/reply. */
const QUESTIONS = [
  { name: "get", ofOne: true, summary: "One actor: state, facets, standing decision, what it waits for." },
  { name: "history", ofOne: true, summary: "Its events with their fields, and its decisions." },
  { name: "list", ofOne: false, summary: "A page of actors, by filters; each daemon answers for its partitions." },
  { name: "stats", ofOne: false, summary: "Counts; each daemon answers for its partitions." },
] as const;
type Question = (typeof QUESTIONS)[number];

/**
 * Describes what natstate receives and sends for one actor type as an AsyncAPI 3.0 document: subjects, messages,
 * headers. Operations are natstate's: it `receive`s events and `send`s decisions.
 *
 * @param version - natstate's own.
 */
export function asyncApi(type: ActorType, version: string): JsonSchema {
  const { events, ticks, decisions } = contractSchemas(type, "draft-7");
  const actor = `{${type.idField}}`;
  const parameters = { [type.idField]: { description: `The ${type.name}'s id, ${ACTOR_ID_EXPECTED}` } };
  const eventTypes = Object.keys(events);
  const tickTypes = Object.keys(ticks);
  const channels = {
    ...byName(eventTypes, (name) => {
      const what = `Publish ${name} here; ${eventStream(type)} stores it.`;
      return channel(eventSubject(type, actor, name), what, parameters, [name]);
    }),
    ...byName(tickTypes, (name) => {
      const what = `natstate alone publishes here: a delay of the ${type.name} has ended. ${eventStream(type)} stores it among the events.`;
      return channel(tickSubject(type, actor), what, parameters, [name]);
    }),
    decisions: channel(
      decisionSubject(type, actor),
      "One message per revision, stored by DECISIONS; the highest revision stands.",
      parameters,
      Object.keys(decisions),
    ),
    deadLetters: channel(
      deadLetterSubject(type, "{reason}"),
      "What can never be processed, once, with its original bytes; stored by DEAD_LETTERS.",
      { reason: { enum: [...REJECTION_REASONS], description: "Why." } },
      ["DeadLetter"],
    ),
    ...Object.fromEntries(QUESTIONS.flatMap((question) => queryChannels(type, question, parameters))),
  };
  return {
    asyncapi: "3.0.0",
    info: {
      title: `natstate ${type.collection}`,
      version,
      description: `Events about ${type.collection} arrive late, twice and in any order; each ${type.name} converges to one state, and its decisions are published exactly once and revised when later facts contradict them.`,
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: { local: { host: "127.0.0.1:4222", protocol: "nats", description: "The embedded nats-server." } },
    channels,
    operations: operations(eventTypes, tickTypes),
    components: {
      messages: {
        ...messages(events, eventHeaders),
        ...byName(tickTypes, (name) => ({ name, payload: { $ref: `#/components/schemas/${name}` } })),
        ...messages(decisions, decisionHeaders),
        DeadLetter: { name: "DeadLetter", contentType: "application/octet-stream", headers: deadLetterHeaders },
        ...questionMessages(type),
        Refused: { name: "Refused", ...errorAnswer },
      },
      schemas: { ...events, ...ticks, ...decisions },
    },
  };
}

function channel(address: string | null, description: string, parameters: object, messageNames: readonly string[]) {
  const own = byName(messageNames, (name) => ({ $ref: `#/components/messages/${name}` }));
  const isUsed = Object.keys(parameters).some((name) => address?.includes(`{${name}}`));
  return { address, description, ...(isUsed && { parameters }), messages: own };
}

function messages(schemas: Readonly<Record<string, JsonSchema>>, headers: JsonSchema): Record<string, JsonSchema> {
  return byName(Object.keys(schemas), (name) => ({
    name,
    headers,
    payload: { $ref: `#/components/schemas/${name}` },
    correlationId: { location: "$message.payload#/correlationId" },
  }));
}

function queryChannels(type: ActorType, { name, ofOne, summary }: Question, parameters: object) {
  const address = querySubject(type, name, ofOne ? `{${type.idField}}` : undefined);
  return [
    [`query_${name}`, channel(address, summary, parameters, [`${name}_question`])],
    [`query_${name}_answer`, channel(null, "The inbox the question names.", {}, [`${name}_answer`, "Refused"])],
  ] as const;
}

function questionMessages(type: ActorType): Record<string, JsonSchema> {
  return Object.fromEntries(
    QUESTIONS.flatMap(({ name, summary }) => {
      const { question, answer } = queryAnswers[name];
      return [
        [`${name}_question`, { name: `${name}_question`, summary, payload: question }],
        [`${name}_answer`, { name: `${name}_answer`, payload: answer(type) }],
      ];
    }),
  );
}

function operations(eventTypes: readonly string[], tickTypes: readonly string[]): JsonSchema {
  const on = (name: string) => ({ $ref: `#/channels/${name}` });
  const questions = QUESTIONS.map(({ name, summary }) => [
    `answer_${name}`,
    {
      action: "receive",
      summary,
      channel: on(`query_${name}`),
      // NATS names the inbox with the request itself; it is no part of headers or body.
      reply: { channel: on(`query_${name}_answer`) },
    },
  ]);
  return {
    ...Object.fromEntries(
      eventTypes.map((name) => [`receive${name}`, { action: "receive", channel: on(name), summary: `Apply ${name}.` }]),
    ),
    ...Object.fromEntries(
      tickTypes.flatMap((name) => [
        [`send${name}`, { action: "send", channel: on(name), summary: "Say that a delay has ended." }],
        [`receive${name}`, { action: "receive", channel: on(name), summary: "Let the delays act that have ended." }],
      ]),
    ),
    sendDecisions: { action: "send", channel: on("decisions"), summary: "Publish each revision, exactly once." },
    sendDeadLetters: { action: "send", channel: on("deadLetters"), summary: "Set aside what cannot be processed." },
    ...Object.fromEntries(questions),
  };
}
