import type { AnyStateNode } from "xstate";

/** @returns the state and all below it, as they are written. */
export function* nodesOf(node: AnyStateNode): Generator<AnyStateNode> {
  yield node;
  for (const child of Object.values<AnyStateNode>(node.states)) yield* nodesOf(child);
}
