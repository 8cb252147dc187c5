import type { AnyStateMachine, AnyStateNode } from "xstate";
import type { ActorType } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { describesEvent } from "../actor/event-descriptor.ts";
import { nodesOf, pathOf } from "../actor/state-text.ts";
import { actionsOf, transitionsOf } from "../actor/statechart-refusals.ts";
import { findMisread } from "./misread-fields.ts";
import { prove } from "./proof.ts";

/** Arrivals that are tried: what is wrong with most events shows in a few. */
const RUNS = 40;

/**
 * What a start takes and an author may not have meant: found by looking at the machine, and by letting events happen that
 * are made from its contract.
 *
 * @param type - that a start does not refuse.
 * @returns a line each, empty when there is nothing.
 */
export function findWarnings(type: ActorType): string[] {
  return [...unreachable(type), ...unknownEvents(type), ...leading(type), ...findMisread(type), ...troubled(type)];
}

function* unreachable({ machine, events }: ActorType): Generator<string> {
  const reached = reachableFrom(machine.root);
  for (const node of nodesOf(machine.root)) {
    const isInside = node.parent !== undefined && !reached.has(node.parent);
    if (node.type !== "history" && !reached.has(node) && !isInside) yield `nothing leads to state ${pathOf(node)}`;
  }
  const handled = [...new Set([...reached].flatMap((node) => [...node.transitions.keys()]))];
  for (const type of Object.keys(events)) {
    if (!handled.some((descriptor) => describesEvent(descriptor, type)))
      yield `no state that something leads to handles ${type}`;
  }
}

/** Every state that can be entered, guards aside, with those it is in. */
function reachableFrom(root: AnyStateNode): Set<AnyStateNode> {
  const reached = new Set<AnyStateNode>();
  const waiting = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    const inside = node.type === "parallel" ? Object.values(node.states) : (node.initial?.target ?? []);
    waiting.push(...inside, ...transitionsOf(node).flatMap(({ target }) => target ?? []));
    if (node.parent !== undefined) waiting.push(node.parent);
    if (node.type === "history")
      waiting.push(...Object.values(node.parent?.states ?? {}).filter((each) => isBeside(node, each)));
  }
  return reached;
}

/** What a history state may lead to is what its parent was left in: it was entered by another way. */
function isBeside(history: AnyStateNode, { key }: AnyStateNode): boolean {
  return String((history.config as { target?: unknown }).target ?? "").endsWith(key);
}

/** A name that is written in another way there than here is never heard. */
function* unknownEvents({ machine, events }: ActorType): Generator<string> {
  const raised = raisedBy(machine);
  if (raised === undefined) return;
  for (const node of nodesOf(machine.root)) {
    for (const key of node.transitions.keys()) {
      const isKnown = [...Object.keys(events), ...raised].some((type) => describesEvent(key, type));
      if (key.startsWith("xstate.") || key === "*" || isKnown) continue;
      yield `state ${pathOf(node)} handles ${key}, of which its contract knows nothing`;
    }
  }
}

/** @returns the events that a machine sends itself; undefined when that shows only when it runs. */
function raisedBy(machine: AnyStateMachine): Set<string> | undefined {
  const raised = new Set<string>();
  for (const { type, code } of actionsOf(machine)) {
    if (type === "xstate.enqueueActions") return undefined;
    if (type !== "xstate.raise") continue;
    if (typeof code.event?.type !== "string") return undefined;
    raised.add(code.event.type);
  }
  return raised;
}

/** Where events lead to states, the order in which they are heard decides. */
function* leading({ machine, ordering, events }: ActorType): Generator<string> {
  if (ordering !== "merge") return;
  for (const node of nodesOf(machine.root)) {
    for (const { eventType, target = [] } of transitionsOf(node)) {
      const isOfContract = Object.keys(events).some((type) => describesEvent(eventType, type));
      if (!isOfContract || target.length === 0) continue;
      const targets = target.map((each) => pathOf(each)).join(", ");
      yield `it merges, but ${eventType} leads from state ${pathOf(node)} to ${targets}: what it comes to depends on what is heard first; leave out ordering, or let what is known lead there (always)`;
    }
  }
}

function* troubled(type: ActorType): Generator<string> {
  try {
    const { divergence, trouble } = prove(type, { runs: RUNS });
    if (trouble !== undefined) yield `events that its contract takes go wrong: ${trouble}`;
    if (divergence !== undefined) {
      yield `it does not converge, ${divergence.differences[0]}: natstate prove --type ${type.name} tells how`;
    }
  } catch (error) {
    yield `what events do to it cannot be tried: ${asError(error).message}`;
  }
}
