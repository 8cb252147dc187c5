import type { AnyStateMachine, AnyStateNode, StateValue } from "xstate";

/**
 * Which events the active states have a transition for. Guards are not asked: they may depend on what an event tells.
 *
 * @param eventTypes - among which.
 * @returns in their order.
 */
export function eventsTaken({ root }: AnyStateMachine, value: StateValue, eventTypes: readonly string[]): string[] {
  const leaves = [...branchesOf(root, value)];
  return eventTypes.filter((eventType) => leaves.some((branch) => takes(branch, eventType)));
}

/** The states from an active innermost one up to the root, one branch for each. */
function* branchesOf(node: AnyStateNode, value: StateValue): Generator<AnyStateNode[]> {
  const inner: [string, StateValue][] =
    typeof value === "string" ? [[value, {}]] : (Object.entries(value) as [string, StateValue][]);
  if (inner.length === 0) yield [node];
  for (const [key, below] of inner) {
    const child = node.states[key];
    if (child === undefined) continue;
    for (const branch of branchesOf(child, below)) yield [...branch, node];
  }
}

/** As XState selects: the innermost state that has a transition decides, one that does nothing forbids the outer ones. */
function takes(branch: readonly AnyStateNode[], eventType: string): boolean {
  for (const { transitions } of branch) {
    const candidates = [...transitions].flatMap(([descriptor, found]) =>
      describes(descriptor, eventType) ? found : [],
    );
    if (candidates.some(({ target, actions }) => target !== undefined || actions.length > 0)) return true;
    if (candidates.some(({ guard }) => guard === undefined)) return false;
  }
  return false;
}

/** Our event types have no dots, so `Payment.*` can mean only `Payment`. */
function describes(descriptor: string, eventType: string): boolean {
  return descriptor === "*" || descriptor === eventType || descriptor === `${eventType}.*`;
}
