import type { AnyStateMachine, InspectionEvent, Snapshot } from "xstate";
import type { ActorEvent, ActorType } from "../actor/actor-type.ts";
import { createBoundedActor } from "../actor/interpreter.ts";

/**
 * One message of the Stately inspector's protocol, as JSON.
 *
 * Source: `@statelyai/inspect` 0.7.2, types.ts and createInspector.ts; a test reads ours with that package's receiver.
 */
export type InspectionMessage = StatelyActor | StatelyEvent | StatelySnapshot;

interface StatelyBase {
  readonly sessionId: string;
  readonly rootId: string;
  /** Unique within a session. */
  readonly id: string;
  /** Ms since the epoch, as text: stream time, so that the past shows when it was. */
  readonly createdAt: string;
  readonly _version: string;
}

interface StatelyActor extends StatelyBase {
  readonly type: "@xstate.actor";
  readonly name: string;
  readonly parentId?: undefined;
  /** The machine's config, JSON. */
  readonly definition: string;
  readonly snapshot: PlainSnapshot;
}

interface StatelyEvent extends StatelyBase {
  readonly type: "@xstate.event";
  readonly sourceId?: undefined;
  readonly event: PlainEvent;
}

interface StatelySnapshot extends StatelyBase {
  readonly type: "@xstate.snapshot";
  /** What led to it. */
  readonly event: PlainEvent;
  readonly snapshot: PlainSnapshot;
}

type PlainEvent = Readonly<Record<string, unknown>> & { readonly type: string };
type PlainSnapshot = Readonly<Record<string, unknown>> & { readonly context: unknown };

/** The version of the protocol that is spoken. */
export const PROTOCOL_VERSION = "0.7.2";

/** An actor beside the one in use, led through the same events so that every move of it can be told. */
export interface InspectedActor {
  /** @param atMs - stream time of the event. */
  send(event: ActorEvent, atMs: number): void;
}

export interface InspectedActorOptions {
  /** XState's persisted snapshot to start from; undefined is the initial state. */
  readonly snapshot?: Snapshot<unknown> | undefined;
  /** Put type names in place of the values in events and context. Names of fields stay. */
  readonly redact: boolean;
  /** When the first messages say they were made, ms since the epoch. */
  readonly startedAtMs: number;
  readonly tell: (message: InspectionMessage) => void;
}

/** Starts an actor that tells what XState says about it: first itself with its machine, then each event and snapshot. */
export function startInspectedActor(type: ActorType, actorId: string, options: InspectedActorOptions): InspectedActor {
  const { snapshot, redact, startedAtMs, tell } = options;
  const sessionId = `${type.collection}:${actorId}`;
  let atMs = startedAtMs;
  let told = 0;
  const base = (): StatelyBase => ({
    sessionId,
    rootId: sessionId,
    id: String(told++),
    createdAt: String(atMs),
    _version: PROTOCOL_VERSION,
  });

  function inspect(inspected: InspectionEvent): void {
    // Machines have no children, and microsteps and actions are not part of the protocol.
    if (inspected.type === "@xstate.event") {
      tell({ type: inspected.type, event: plainEvent(inspected.event, redact), ...base() });
    } else if (inspected.type === "@xstate.snapshot") {
      const event = plainEvent(inspected.event, redact);
      tell({ type: inspected.type, event, snapshot: plainSnapshot(inspected.snapshot, redact), ...base() });
    }
  }

  const actor = createBoundedActor(type.machine, { inspect, ...(snapshot === undefined ? {} : { snapshot }) });
  // Without an observer XState reports a failed actor as an uncaught exception; the snapshot told says it too.
  actor.subscribe({ error: () => {} });
  tell({
    type: "@xstate.actor",
    name: actorId,
    definition: definitionOf(type.machine),
    snapshot: plainSnapshot(actor.getSnapshot(), redact),
    ...base(),
  });
  actor.start();
  return {
    send(event, eventAtMs) {
      atMs = eventAtMs;
      actor.send(event);
    },
  };
}

/** A function in a config becomes `{"type": <its name>}`, as Stately's own inspector writes it. */
function definitionOf(machine: AnyStateMachine): string {
  return JSON.stringify(machine.config, (_, value) => (typeof value === "function" ? { type: value.name } : value));
}

function plainSnapshot(snapshot: unknown, redact: boolean): PlainSnapshot {
  const plain = JSON.parse(JSON.stringify(snapshot)) as PlainSnapshot;
  return redact ? { ...plain, context: withoutValues(plain.context) } : plain;
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
