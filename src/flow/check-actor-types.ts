import { type AnyStateMachine, type AnyStateNode, createActor } from "xstate";
import type { ActorType } from "../../machines/actor-type.ts";

/** Fields of an answer about an actor that a view must leave free. */
const ANSWER_FIELDS = [
  "processingStatus",
  "dataCompleteness",
  "decision",
  "version",
  "lastUpdated",
  "eventHistory",
  "waitingFor",
];
/** First tokens of subjects, and parts of HTTP paths, that have another meaning. */
const RESERVED = ["decisions", "deadletters", "dead-letters", "natstate", "machine", "stats", "live"];
const TOKEN = /^[a-z][a-z0-9-]*$/;

/** @returns what is wrong with the actor types, a line each, each line with the type's name; empty when nothing is. */
export function checkActorTypes(types: readonly ActorType[]): string[] {
  if (types.length === 0) return ["there is no actor type: add one to machines/registry.ts"];
  return types.flatMap((type, index) => {
    const others = types.slice(0, index);
    return [...checkNames(type, others), ...checkMachine(type), ...checkDecisions(type), ...checkView(type)].map(
      (problem) => `actor type ${JSON.stringify(type.name)}: ${problem}`,
    );
  });
}

function* checkNames({ name, collection }: ActorType, others: readonly ActorType[]): Generator<string> {
  for (const [field, value] of Object.entries({ name, collection })) {
    if (!TOKEN.test(value)) yield `${field} ${JSON.stringify(value)} is not lower-case letters, digits and hyphens`;
  }
  if (RESERVED.includes(collection)) yield `collection ${JSON.stringify(collection)} is taken by natstate itself`;
  if (others.some((other) => other.name === name)) yield "there is another of this name";
  if (others.some((other) => other.collection === collection)) {
    yield `there is another with the collection ${JSON.stringify(collection)}`;
  }
}

function* checkMachine({ machine, states, events }: ActorType): Generator<string> {
  const nodes = [...nodesBelow(machine.root)];
  const own = nodes.filter(({ parent }) => parent === machine.root).map(({ key }) => key);
  // States within states are named otherwise, see `LiveActor.state`.
  const isFlat = machine.root.type === "compound" && own.length === nodes.length;
  if (isFlat && [...own].sort().join() !== [...states].sort().join()) {
    yield `states are ${states.join(", ")}, those of its machine are ${own.join(", ")}`;
  }
  for (const type of Object.keys(events)) {
    if (!machine.events.includes(type)) yield `no state of its machine handles ${type}`;
  }
  for (const { key, after, invoke } of [machine.root, ...nodes]) {
    if (after.length > 0) yield `state ${key} has a delay (after): an actor knows no clock but its events' times`;
    if (invoke.length > 0) yield `state ${key} invokes something: an actor calls nobody`;
  }
}

function* checkDecisions({ decisionTypes, decisions, withdrawn }: ActorType): Generator<string> {
  if (!decisionTypes.includes(withdrawn)) yield `withdrawn ${JSON.stringify(withdrawn)} is none of its decisionTypes`;
  const described = Object.keys(decisions ?? {});
  const missing = decisions === undefined ? [] : decisionTypes.filter((name) => !described.includes(name));
  if (missing.length > 0) yield `decisions does not describe ${missing.join(", ")}`;
  const unknown = described.filter((name) => !decisionTypes.includes(name));
  if (unknown.length > 0) yield `decisions describes ${unknown.join(", ")}, none of its decisionTypes`;
}

function* checkView({ machine, view, idField }: ActorType): Generator<string> {
  try {
    const snapshot = createActor(machine).getSnapshot();
    const taken = Object.keys(view(snapshot.context)).filter((key) => [...ANSWER_FIELDS, idField].includes(key));
    if (taken.length > 0) yield `its view has ${taken.join(", ")}: answers have a field of that name`;
  } catch (error) {
    yield `its machine or view fails on an actor nothing is known of: ${(error as Error).message}`;
  }
}

function* nodesBelow(node: AnyStateMachine["root"]): Generator<AnyStateNode> {
  for (const child of Object.values(node.states)) {
    yield child;
    yield* nodesBelow(child);
  }
}
