import type { AnyStateMachine } from "xstate";
import type { ActorType } from "../actor/actor-type.ts";

/**
 * One message of the Stately inspector's protocol, as JSON.
 *
 * Source: `@statelyai/inspect` 0.7.2, types.ts and createInspector.ts; a test reads ours with that package's receiver.
 */
export type InspectionMessage = StatelyBase &
  (
    | {
        readonly type: "@xstate.actor";
        readonly name: string;
        /** The machine's config, JSON. */
        readonly definition: string;
        readonly snapshot: PlainSnapshot;
      }
    | { readonly type: "@xstate.event"; readonly event: PlainEvent }
    /** With the event that led to it. */
    | { readonly type: "@xstate.snapshot"; readonly event: PlainEvent; readonly snapshot: PlainSnapshot }
  );

interface StatelyBase {
  readonly sessionId: string;
  readonly rootId: string;
  /** Unique within a session. */
  readonly id: string;
  /** Ms since the epoch, as text: stream time, so that the past shows when it was. */
  readonly createdAt: string;
  readonly _version: string;
}

type PlainEvent = { readonly type: string; readonly data?: unknown };
type PlainSnapshot = Readonly<Record<string, unknown>> & { readonly context: unknown };

/** The version of the protocol that is spoken. */
export const PROTOCOL_VERSION = "0.7.2";

export interface Telling {
  /** Put type names in place of the values in events, context and output. Names of fields stay. */
  readonly redact: boolean;
  /** When the first messages say they were made, ms since the epoch. */
  readonly startedAtMs: number;
  /** @param message - JSON of an {@link InspectionMessage}. */
  readonly tell: (message: string) => void;
}

/** Tells what happens to one actor, as messages of one session. */
export function createTeller(type: ActorType, actorId: string, { redact, startedAtMs, ...telling }: Telling) {
  const sessionId = `${type.collection}:${actorId}`;
  let atMs = startedAtMs;
  let told = 0;
  const tell = (message: InspectionMessage) => telling.tell(JSON.stringify(message));
  const base = (): StatelyBase => ({
    sessionId,
    rootId: sessionId,
    id: String(told++),
    createdAt: String(atMs),
    _version: PROTOCOL_VERSION,
  });
  return {
    /** First of all. */
    actor(snapshot: unknown): void {
      const definition = definitionOf(type.machine);
      tell({ type: "@xstate.actor", name: actorId, definition, snapshot: plainSnapshot(snapshot, redact), ...base() });
    },
    event: (event: PlainEvent): void => tell({ type: "@xstate.event", event: plainEvent(event, redact), ...base() }),
    snapshot: (event: PlainEvent, snapshot: unknown): void =>
      tell({
        type: "@xstate.snapshot",
        event: plainEvent(event, redact),
        snapshot: plainSnapshot(snapshot, redact),
        ...base(),
      }),
    /** What follows happens then. @param ms - stream time, since the epoch. */
    at(ms: number): void {
      atMs = ms;
    },
  };
}

/** A function in a config becomes `{"type": <its name>}`, as Stately's own inspector writes it. */
function definitionOf(machine: AnyStateMachine): string {
  return JSON.stringify(machine.config, (_, value) => (typeof value === "function" ? { type: value.name } : value));
}

/** What a snapshot has of the machine alone, and not of what was told to the actor. */
const OF_MACHINE = ["status", "value", "historyValue", "tags"];

function plainSnapshot(snapshot: unknown, redact: boolean): PlainSnapshot {
  const plain = JSON.parse(JSON.stringify(snapshot)) as PlainSnapshot;
  if (!redact) return plain;
  const told = Object.entries(plain).map(([name, value]) => [
    name,
    OF_MACHINE.includes(name) ? value : withoutValues(value),
  ]);
  return Object.fromEntries(told);
}

/** The envelope stays as it is: type, event id and event time. */
function plainEvent(event: PlainEvent, redact: boolean): PlainEvent {
  return redact && "data" in event ? { ...event, data: withoutValues(event.data) } : event;
}

/** The same shape with the name of its type in place of every value. */
function withoutValues(value: unknown): unknown {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.map(withoutValues);
  if (typeof value !== "object") return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutValues(inner)]));
}
