import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import type { EventContract, EventOf } from "../client/contract.ts";
import {
  EventNotConfirmedError,
  InvalidEventError,
  type PublishedEvent,
  publishEvent,
} from "../client/publish-event.ts";
import { readConfig } from "../config/config.ts";
import { eventStream, fromToken } from "../wire/names.ts";
import { checkActorId, exampleNames, oneOf, rfc3339, withExamples } from "./arguments.ts";
import { addSystemOption, findType, ofTypeOption, type TypedOptions } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { print, printJson } from "./output.ts";
import { type System, withSystem } from "./system.ts";

interface PublishOptions extends TypedOptions {
  readonly eventId?: string;
  readonly at?: string;
}

/** Adds `natstate publish`: one event, checked by the contract before it is sent. */
export function addPublish(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("publish")
    .description(`Publish one event about one ${oneOf(types)}, once it is sure that natstate can read it.`)
    .argument("<id>", "whom it is about")
    .argument("<event>", "its event type")
    .argument("<fields>", "the event's fields as a JSON object; - reads them from stdin")
    .option("--event-id <id>", "its identity: the same id twice has one effect (default: a new UUID)")
    .option("--at <time>", "when it happened, RFC 3339 with a zone (default: now)", rfc3339)
    .addOption(ofTypeOption(types))
    .option("--json", "print JSON")
    .action(async (id: string, eventType: string, fields: string, options: PublishOptions) => {
      const type = typeOf(eventType, types, options.type);
      checkActorId(type, id);
      const { eventId, at } = options;
      // What is not said is not there: the client gives it.
      const identity = { ...(eventId !== undefined && { eventId }), ...(at !== undefined && { timestamp: at }) };
      const event = { ...readFields(fields, { [type.idField]: id, eventType }), ...identity };
      const stored = await withSystem(options.nats, (system) => publish(system, type, event as EventOf<EventContract>));
      const { subject, sequence } = stored;
      if (options.json) printJson({ stream: eventStream(type), ...stored });
      else print(`${subject} is stored as message ${sequence} of ${eventStream(type)}, event ${stored.eventId}`);
    });
  addSystemOption(command);
  const { id, eventType } = exampleNames(types);
  withExamples(command, [
    [`npx natstate publish ${id} ${eventType} '{…}'`, "happened now"],
    [`npx natstate publish ${id} ${eventType} - --at 2026-03-01T10:00:02Z < event.json`, "from a file, earlier"],
  ]);
}

/**
 * The type that is named, else the one that has such an event, else the first: what it is, its contract says.
 *
 * @throws CliError `usage` when the event is of others, or of several.
 */
function typeOf(eventType: string, types: readonly ActorType[], named: string | undefined): ActorType {
  // With colons, as its subject has them, it is told what it is called.
  const having = types.filter(({ events }) => Object.hasOwn(events, fromToken(eventType)));
  if (named === undefined && having.length === 0 && types.length > 1) throw isUnknown(eventType, types);
  const [only = types[0], ...others] = having;
  const type = named === undefined ? only : findType(types, named);
  const isClear =
    named === undefined ? others.length === 0 : having.length === 0 || having.some((each) => each === type);
  if (type !== undefined && isClear) return type;
  throw new CliError("usage", `${eventType} is of ${oneOf(having)}: say which with --type`);
}

function isUnknown(eventType: string, types: readonly ActorType[]): CliError {
  const known = types.map(({ name, events }) => `${name}'s ${Object.keys(events).join(", ")}`);
  return new CliError("usage", `nothing was sent: ${JSON.stringify(eventType)} is none of ${known.join(", nor of ")}`);
}

async function publish(
  { session, natsUrl }: System,
  type: ActorType,
  event: EventOf<EventContract>,
): Promise<PublishedEvent> {
  const maxBytes = readConfig(process.env).NATSTATE_MAX_EVENT_BYTES;
  try {
    return await publishEvent<EventContract>(session.js, type, event, { maxBytes });
  } catch (error) {
    if (error instanceof InvalidEventError) {
      throw new CliError("usage", `nothing was sent: ${error.reason}: ${error.message}`, { cause: error });
    }
    if (!(error instanceof EventNotConfirmedError)) throw error;
    if ((error.cause as Error).name === "JetStreamNotEnabled") {
      const message = `there is no stream ${eventStream(type)} at ${natsUrl}: is natstate running there? Start it with: npx natstate start`;
      throw new CliError("failed", message, { cause: error });
    }
    const again = `Published again with --event-id ${error.event.eventId} both have one effect.`;
    throw new CliError("failed", `${error.message}. ${again}`, { cause: error });
  }
}

/** @param named - what the arguments said already; the fields may repeat it, and nothing else. */
function readFields(text: string, named: Readonly<Record<string, string>>): Record<string, unknown> {
  const fields = parseObject(text === "-" ? readFileSync(0, "utf8") : text);
  for (const [name, value] of Object.entries(named)) {
    if (Object.hasOwn(fields, name) && fields[name] !== value) {
      throw new CliError(
        "usage",
        `${name} is ${value} on the command line and ${JSON.stringify(fields[name])} in the fields`,
      );
    }
  }
  return { ...fields, ...named };
}

function parseObject(text: string): Record<string, unknown> {
  const expected = `expected a JSON object such as '{"amount":20,"status":"successful"}'`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError("usage", `fields: ${expected}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CliError("usage", `fields: ${expected}`);
}
