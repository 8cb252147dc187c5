import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { isAsync } from "./check-contract.ts";
import { nodesOf, pathOf } from "./state-text.ts";

/*
 * What is known of a statechart before it runs: what it may not have, and what of it is left undone. What hides in a
 * function, `enqueueActions` for example, shows when it runs.
 */

/** XState's actions that reach other actors, and what may be meant where there is another way. */
const OUTWARD: Readonly<Record<string, string>> = {
  "xstate.spawnChild": "starts an actor: an actor calls nobody",
  "xstate.sendTo": "sends to an actor: an actor calls nobody; to itself it may raise",
  "xstate.stopChild": "stops an actor: an actor calls nobody",
};

/** XState's actions whose effect is outside of the actor. */
const UNDONE = ["xstate.emit", "xstate.log"];

/** An action as it is written, and where. */
interface Placed {
  readonly path: string;
  /** `entry`, `exit`, `on Pay`. */
  readonly when: string;
  readonly action: unknown;
  /** The function behind its name; the action itself when it is one or has none. */
  readonly code: Code;
  /** XState's, such as `xstate.raise`; empty when it is none of XState's own. */
  readonly type: string;
}

/** XState's own actions are functions with what they were made of. */
interface Code {
  readonly type?: unknown;
  readonly id?: unknown;
  /** Of a raise. */
  readonly delay?: unknown;
  readonly event?: { readonly type?: unknown };
  /** Of an `assign`: what it calls, when that is one function. */
  readonly assignment?: unknown;
}

/** @returns what an event-time host refuses, by state path; empty when it hosts the machine. */
export function findRefusals(machine: AnyStateMachine): string[] {
  const problems = [...nodesOf(machine.root)].flatMap((node) => [
    ...node.invoke.map(
      ({ src }) =>
        `state ${pathOf(node)} invokes ${nameOfInvoked(src)}: an actor calls nobody; let a service do it that publishes an event of what came of it`,
    ),
    ...transitionsOf(node).flatMap(({ guard }) =>
      [...missingGuards(machine, guard)].map((name) => `state ${pathOf(node)}: guard ${name} is not implemented`),
    ),
    ...node.after.flatMap(({ delay }) => one(problemOf(machine, delay), `state ${pathOf(node)}`)),
  ]);
  const actions = [...actionsOf(machine)].flatMap(({ path, when, code, type }) => {
    const where = `state ${path}, ${when}`;
    const outward = OUTWARD[type];
    return [
      ...(outward === undefined ? [] : [`${where}: ${outward}`]),
      ...(isAsync(code) || isAsync(code.assignment) ? [`${where}: an action is async: an actor waits for nobody`] : []),
      // An `after` raises its own event, whose delay is told above.
      ...(type === "xstate.raise" && !isAfter(code) ? one(problemOf(machine, code.delay), where) : []),
      ...(type === "xstate.raise" && code.delay !== undefined ? one(problemOfDelayed(code.event?.type), where) : []),
    ];
  });
  return [...new Set([...problems, ...actions])];
}

/**
 * The actions that a machine has and nobody executes, for a person to know.
 *
 * @returns for example `sendEmail at review.entry`; of a name that nothing stands behind, which may be a forgotten `assign`,
 *   `noteAmount at open.on Paid (not implemented)`.
 */
export function findUndone(machine: AnyStateMachine): string[] {
  const undone = [...actionsOf(machine)].flatMap(({ path, when, action, code, type }) => {
    if (type.startsWith("xstate.") && !UNDONE.includes(type)) return [];
    const name = type.startsWith("xstate.") ? type.slice("xstate.".length) : nameOf(action);
    return [`${name} at ${path}.${when}${typeof (code as unknown) === "function" ? "" : " (not implemented)"}`];
  });
  return [...new Set(undone)];
}

export function* actionsOf(machine: AnyStateMachine): Generator<Placed> {
  for (const node of nodesOf(machine.root)) {
    const place = (when: string, action: unknown): Placed => {
      const code = resolve(machine, action);
      return {
        path: pathOf(node),
        when,
        action,
        code,
        type: typeof (code as unknown) === "function" ? String(code.type ?? "") : "",
      };
    };
    for (const action of node.entry) yield place("entry", action);
    for (const action of node.exit) yield place("exit", action);
    for (const action of node.initial?.actions ?? []) yield place("initial", action);
    for (const { eventType, actions } of transitionsOf(node)) {
      for (const action of actions) yield place(eventType === "" ? "always" : `on ${eventType}`, action);
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

/**
 * A live actor hears a delayed event as if it was sent: one of these names stops it, fails it, throws or leads nowhere,
 * whatever the machine has for it. Raised at once, each is an event like all others.
 *
 * @param type - of an event that is raised with a delay, as far as it is known.
 * @returns what is wrong with it.
 */
export function problemOfDelayed(type: unknown): string | undefined {
  const isOwn = typeof type === "string" && /^(\*$|xstate\.(stop$|init$|error\.actor))/.test(type);
  return isOwn ? `raises ${type} with a delay: the name is XState's own, choose another` : undefined;
}

function one(problem: string | undefined, where: string): string[] {
  return problem === undefined ? [] : [`${where}: ${problem}`];
}

function resolve({ implementations }: AnyStateMachine, action: unknown): Code {
  if (typeof action === "function") return action as Code;
  return ((implementations.actions as Record<string, unknown>)[nameOf(action)] ?? action) as Code;
}

/** Is it the raise that XState makes of an `after`, at the entry of its state? */
export function isAfter({ id }: Code): boolean {
  return String(id).startsWith("xstate.after.");
}

/** A function written in place is called as what it stands in. */
const NAMELESS = ["", "actions", "entry", "exit"];

function nameOf(action: unknown): string {
  if (typeof action === "string") return action;
  if (typeof action === "function") return NAMELESS.includes(action.name) ? "an action without a name" : action.name;
  return String((action as { type?: unknown }).type);
}

/** One that is written in place has a name of XState's. */
function nameOfInvoked(src: unknown): string {
  return typeof src === "string" && !src.startsWith("xstate.") ? src : "something";
}
