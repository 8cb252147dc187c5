import { z } from "zod";
import type { ActorType } from "../actor/actor-type.ts";
import { decisionEnvelope } from "../actor/decision.ts";
import { hasDelays, TIME_PASSED } from "../actor/delays.ts";
import { actorId, eventEnvelope } from "./envelope.ts";
import { TICK_FIELDS, tickEnvelope } from "./tick.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Which JSON Schema to write: of today, or the one AsyncAPI 3 takes. */
export type Draft = "draft-2020-12" | "draft-7";

/**
 * Writes every event and decision of an actor type as a JSON Schema, from the zod contracts that natstate itself checks
 * events by. Fields that are not named are allowed: they are ignored in events, and may come with a later version in
 * decisions.
 *
 * @returns by event type and decision type.
 */
export function contractSchemas(type: ActorType, draft: Draft) {
  const write = (tag: string, name: string, envelope: z.ZodObject, fields: z.ZodType | undefined): JsonSchema => {
    const head = z.object({ [tag]: z.literal(name), [type.idField]: actorId, ...envelope.shape });
    return { title: name, ...merge(toSchema(head, draft), fields === undefined ? {} : toSchema(fields, draft)) };
  };
  return {
    events: byName(Object.keys(type.events), (name) => write("eventType", name, eventEnvelope, type.events[name])),
    // What natstate adds to the events itself, where an actor can wait for a time.
    ticks: byName(hasDelays(type) ? [TIME_PASSED] : [], (name) => write("eventType", name, tickEnvelope, TICK_FIELDS)),
    decisions: byName([...new Set([...type.decisionTypes, type.withdrawn])], (name) =>
      write("decisionType", name, decisionEnvelope, type.decisions?.[name]),
    ),
  };
}

/** What is said of each name, under it. */
export function byName<Said>(names: Iterable<string>, say: (name: string) => Said): Record<string, Said> {
  return Object.fromEntries(Array.from(names, (name) => [name, say(name)]));
}

/** One JSON Schema 2020-12 document: `#/$defs/Event`, `#/$defs/Decision`, and each of their kinds by its name. */
export function contractDocument(type: ActorType): JsonSchema {
  const { events, ticks, decisions } = contractSchemas(type, "draft-2020-12");
  const oneOf = (of: Readonly<Record<string, JsonSchema>>) => ({
    oneOf: Object.keys(of).map((name) => ({ $ref: `#/$defs/${name}` })),
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:natstate:${type.collection}`,
    title: `Events and decisions of natstate's ${type.collection}`,
    ...oneOf({ Event: {}, Decision: {} }),
    // A tick is no event that anybody else may publish.
    $defs: { Event: oneOf(events), Decision: oneOf(decisions), ...events, ...ticks, ...decisions },
  };
}

/** The schemas of events' or decisions' own fields, JSON Schema 2020-12, without natstate's envelope. */
export function fieldSchemas(fields: ActorType["events"]): Readonly<Record<string, JsonSchema>> {
  const write = ([name, schema]: [string, z.ZodType]) => [name, toSchema(schema, "draft-2020-12")] as const;
  return Object.fromEntries(Object.entries(fields).map(write));
}

function toSchema(schema: z.ZodType, draft: Draft): JsonSchema {
  // As a reader may meet it: what zod drops is allowed, what it fills in is optional.
  const { $schema: _, ...written } = z.toJSONSchema(schema, {
    target: draft,
    io: "input",
    // A contract may read what JSON Schema cannot say, as `z.coerce.date().transform(…)` does.
    unrepresentable: "any",
    override: leaveOpen,
  });
  return written;
}

/** Further fields may be anything: not said is said shorter, and the same of a schema that was JSON before. */
function leaveOpen({ jsonSchema }: { readonly jsonSchema: { additionalProperties?: unknown } }): void {
  const { additionalProperties: further } = jsonSchema;
  const isAny = typeof further === "object" && further !== null && Object.keys(further).length === 0;
  if (isAny) delete jsonSchema.additionalProperties;
}

function merge(envelope: JsonSchema, fields: JsonSchema): JsonSchema {
  return {
    ...fields,
    type: "object",
    properties: { ...(envelope.properties ?? {}), ...(fields.properties ?? {}) },
    required: [...((envelope.required as string[]) ?? []), ...((fields.required as string[]) ?? [])],
  };
}
