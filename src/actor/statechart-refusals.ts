import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { isAsync } from "./check-contract.ts";
import { nodesOf, pathOf } from "./state-text.ts";

/*
 * What is known of a statechart before it runs: what it may not have, and what of it is left undone. What hides in a
 * function, `enqueueActions` for example, shows when it runs.
 */

/** XState's actions that reach other actors. */
const OUTWARD: Readonly<Record<string, string>> = {
  "xstate.spawnChild": "starts an actor",
  "xstate.sendTo": "sends to an actor",
  "xstate.stopChild": "stops an actor",
};

/** XState's actions whose effect is outside of the actor. */
const UNDONE = ["xstate.emit", "xstate.log"];

/** An action as it is written, and where. */
interface Placed {
  readonly path: string;
  /** `entry`, `exit`, `on Pay`. */
  readonly when: string;
  readonly action: unknown;
}

/** @returns what an event-time host refuses, by state path; empty when it hosts the machine. */
export function findRefusals(machine: AnyStateMachine): string[] {
  const problems = [...nodesOf(machine.root)].flatMap((node) => [
    ...node.invoke.map(() => `state ${pathOf(node)} invokes something: an actor calls nobody`),
    ...transitionsOf(node).flatMap(({ guard }) =>
      [...missingGuards(machine, guard)].map((name) => `state ${pathOf(node)}: guard ${name} is not implemented`),
    ),
    ...node.after.flatMap(({ delay }) => one(problemOf(machine, delay), `state ${pathOf(node)}`)),
  ]);
  const actions = [...actionsOf(machine)].flatMap(({ path, when, action }) => {
    const resolved = resolve(machine, action);
    const where = `state ${path}, ${when}`;
    const outward = OUTWARD[typeOf(resolved)];
    return [
      ...(outward === undefined ? [] : [`${where}: ${outward}: an actor calls nobody`]),
      ...(isAsync(resolved) || isAsync(assignmentOf(resolved))
        ? [`${where}: an action is async: an actor waits for nobody`]
        : []),
      // An `after` raises its own event, whose delay is told above.
      ...(typeOf(resolved) === "xstate.raise" && !isAfter(resolved)
        ? one(problemOf(machine, (resolved as { delay?: unknown }).delay), where)
        : []),
    ];
  });
  return [...new Set([...problems, ...actions])];
}

/**
 * The actions that a machine has and nobody executes, for a person to know.
 *
 * @returns for example `sendEmail at review.entry`.
 */
export function findUndone(machine: AnyStateMachine): string[] {
  const undone = [...actionsOf(machine)].flatMap(({ path, when, action }) => {
    const resolved = resolve(machine, action);
    const type = typeOf(resolved);
    if (type.startsWith("xstate.") && !UNDONE.includes(type)) return [];
    return [`${type.startsWith("xstate.") ? type.slice("xstate.".length) : nameOf(action)} at ${path}.${when}`];
  });
  return [...new Set(undone)];
}

export function* actionsOf(machine: AnyStateMachine): Generator<Placed> {
  for (const node of nodesOf(machine.root)) {
    const path = pathOf(node);
    for (const action of node.entry) yield { path, when: "entry", action };
    for (const action of node.exit) yield { path, when: "exit", action };
    const { initial } = node;
    for (const action of initial?.actions ?? []) yield { path, when: "initial", action };
    for (const { eventType, actions } of transitionsOf(node)) {
      for (const action of actions) yield { path, when: eventType === "" ? "always" : `on ${eventType}`, action };
    }
  }
}

/** Of a state itself, with or without an event. */
export function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
}

function* missingGuards(machine: AnyStateMachine, guard: unknown): Generator<string> {
  if (guard === undefined) return;
  if (typeof guard === "function") {
    for (const inner of (guard as { guards?: readonly unknown[] }).guards ?? []) yield* missingGuards(machine, inner);
    return;
  }
  const name = typeof guard === "string" ? guard : String((guard as { type?: unknown }).type);
  const known: unknown = machine.implementations.guards[name];
  if (known === undefined) yield name;
  else yield* missingGuards(machine, known);
}

function problemOf(machine: AnyStateMachine, delay: unknown): string | undefined {
  if (typeof delay === "number")
    return Number.isFinite(delay) && delay >= 0
      ? undefined
      : `delay ${delay} is no finite number of milliseconds, 0 or more`;
  if (typeof delay !== "string") return undefined;
  const known: unknown = (machine.implementations.delays as Record<string, unknown>)[delay];
  if (known === undefined) return `delay ${delay} is not implemented`;
  return typeof known === "number" ? problemOf(machine, known) : undefined;
}

function one(problem: string | undefined, where: string): string[] {
  return problem === undefined ? [] : [`${where}: ${problem}`];
}

/** @returns the function behind a name, the action itself when it is one or has none. */
export function resolve(machine: AnyStateMachine, action: unknown): unknown {
  if (typeof action === "function") return action;
  return (machine.implementations.actions as Record<string, unknown>)[nameOf(action)] ?? action;
}

/** XState's own actions are functions with a type; of others it is empty. */
export function typeOf(action: unknown): string {
  const type: unknown = typeof action === "function" ? (action as { type?: unknown }).type : undefined;
  return typeof type === "string" ? type : "";
}

/** Is it the raise that XState makes of an `after`? */
export function isAfter(action: unknown): boolean {
  return String((action as { id?: unknown }).id).startsWith("xstate.after.");
}

/** @returns what an `assign` calls, when it is one function. */
function assignmentOf(action: unknown): unknown {
  return typeof action === "function" ? (action as { assignment?: unknown }).assignment : undefined;
}

function nameOf(action: unknown): string {
  if (typeof action === "string") return action;
  if (typeof action === "function") return action.name === "" ? "an action without a name" : action.name;
  return String((action as { type?: unknown }).type);
}
