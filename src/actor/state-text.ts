import type { AnyStateNode, StateValue } from "xstate";
import { nodesOf } from "./state-nodes.ts";

/*
 * XState's state values as people read and filter them: `review.documents`; of parallel states all, joined by ` · `.
 */

const JOIN = " · ";

/**
 * A state in one line, whatever order its parallel states were entered in.
 *
 * @param root - the machine's, so that parallel states stand as they are written.
 * @param value - XState's.
 * @returns for example `money.open · goods.packed.fresh`; the machine's id when it has no states.
 */
export function stateText(root: AnyStateNode, value: StateValue): string {
  const leaves = leavesOf(root, value);
  return leaves.length === 0 ? root.machine.id : leaves.join(JOIN);
}

/** @returns for example `review.documents`; the machine's id for its root. */
export function pathOf({ path, machine }: AnyStateNode): string {
  return path.length === 0 ? machine.id : join(path);
}

/** @returns the active states without states in them, each by its path, for example `goods.packed.fresh`. */
export function leavesOf(node: AnyStateNode, value: StateValue): string[] {
  if (typeof value === "string") return [join([...node.path, value])];
  return Object.keys(node.states)
    .filter((key) => Object.hasOwn(value, key))
    .flatMap((key) => {
      const inner = value[key] as StateValue;
      const child = node.states[key] as AnyStateNode;
      // A parallel state's states may have none in them.
      return typeof inner !== "string" && Object.keys(inner).length === 0 ? [join(child.path)] : leavesOf(child, inner);
    });
}

/** @returns every state an actor can be in that has no states in it, by path; the machine's id when it has no states. */
export function leafPaths(root: AnyStateNode): string[] {
  return [...nodesOf(root)]
    .filter(({ type, states }) => type !== "history" && Object.keys(states).length === 0)
    .map(pathOf);
}

/** @returns all active states by path, outer before inner, so that `goods` finds all in `goods.packed.fresh`. */
export function pathsOf(root: AnyStateNode, value: StateValue): string[] {
  const paths = leavesOf(root, value).flatMap((leaf) => {
    const keys = splitPath(leaf);
    return keys.map((_, index) => keys.slice(0, index + 1).join("."));
  });
  return [...new Set(paths)];
}

function join(keys: readonly string[]): string {
  return keys.map((key) => key.replace(/[\\.]/g, "\\$&")).join(".");
}

/** By dots that no backslash hides, as XState writes paths. */
function splitPath(path: string): string[] {
  return path.match(/(?:\\.|[^.\\])+/g) ?? [];
}
