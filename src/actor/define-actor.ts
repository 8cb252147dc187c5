import { type AnyStateMachine, type AnyStateNode, getStateNodes, type StateValue } from "xstate";
import type { ActorSnapshot } from "./actor-type.ts";
import { type DefaultIdField, type DefaultWithdrawn, defineContract, type Fields } from "./define-contract.ts";
import type { DefinedActor, Definition, Ordering } from "./definition.ts";
import { closestFirst, describesEvent } from "./event-descriptor.ts";
import { findSecondCopies } from "./second-copy.ts";
import { leafPaths } from "./state-text.ts";

/**
 * Makes an actor type: a contract, a machine and a rule that decides. All else has a default, read off these.
 *
 * What does not fit together is a compile error; the rest of what can be wrong is told at start, all at once.
 *
 * @throws TypeError when the machine or a schema is of another copy of xstate or zod than natstate's own.
 */
export function defineActor<
  const Name extends string,
  Events extends Fields,
  Machine extends AnyStateMachine,
  Decisions extends Fields | undefined = undefined,
  const IdField extends string = DefaultIdField<Name>,
  const Withdrawn extends string = DefaultWithdrawn<Name>,
  const Order extends Ordering = "event-time",
>(
  definition: Definition<Name, Events, Machine, Decisions, IdField, Withdrawn, Order>,
): DefinedActor<Name, Events, Machine, Decisions, IdField, Withdrawn> {
  const { name, events, machine } = definition;
  const copies = findSecondCopies(definition);
  if (copies.length > 0) throw new TypeError(`defineActor ${JSON.stringify(name)}: ${copies.join("; ")}`);
  const contract = defineContract(definition);
  const decisions: Fields | undefined = contract.decisions;
  const type = {
    version: 1,
    states: leafPaths(machine.root),
    view: ({ context }: ActorSnapshot) => context as Readonly<Record<string, unknown>>,
    waitingFor: ({ value, status }: ActorSnapshot) =>
      status === "done" ? [] : eventsTaken(machine, value, Object.keys(events)),
    ...definition,
    ...contract,
    decisionTypes: Object.keys(decisions ?? { [contract.withdrawn]: undefined }),
  };
  return type as unknown as DefinedActor<Name, Events, Machine, Decisions, IdField, Withdrawn>;
}

/**
 * Which events the active states have a transition for. Guards are not asked: they may depend on what an event tells.
 *
 * @param eventTypes - among which.
 * @returns in their order.
 */
function eventsTaken({ root }: AnyStateMachine, value: StateValue, eventTypes: readonly string[]): string[] {
  const active = getStateNodes(root, value);
  const branches = active.filter((node) => !active.some(({ parent }) => parent === node)).map(branchOf);
  return eventTypes.filter((eventType) => branches.some((branch) => takes(branch, eventType)));
}

/** The states from a state up to the root. */
function branchOf(node: AnyStateNode): AnyStateNode[] {
  return node.parent === undefined ? [node] : [node, ...branchOf(node.parent)];
}

/** As XState selects: the innermost state that has a transition decides, one that does nothing forbids the outer ones. */
function takes(branch: readonly AnyStateNode[], eventType: string): boolean {
  for (const { transitions } of branch) {
    const descriptors = [...transitions.keys()].filter((descriptor) => describesEvent(descriptor, eventType));
    for (const descriptor of descriptors.sort(closestFirst(eventType))) {
      for (const { target, actions, guard } of transitions.get(descriptor) ?? []) {
        if (target !== undefined || actions.length > 0) return true;
        if (guard === undefined) return false;
      }
    }
  }
  return false;
}
