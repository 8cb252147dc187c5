import type { AnyStateNode, StateValue } from "xstate";

/*
 * XState's state values as people read and filter them: `review.documents`; of parallel states all, joined by ` · `.
 */

const JOIN = " · ";

/** @returns the state and all below it, as they are written. */
export function* nodesOf(node: AnyStateNode): Generator<AnyStateNode> {
  yield node;
  for (const child of Object.values<AnyStateNode>(node.states)) yield* nodesOf(child);
}

/**
 * A state in one line, whatever order its parallel states were entered in.
 *
 * @param root - the machine's, so that parallel states stand as they are written.
 * @param value - XState's.
 * @returns for example `money.open · goods.packed.fresh`; the machine's id when it has no states.
 */
export function stateText(root: AnyStateNode, value: StateValue): string {
  return typeof value === "string" ? nameText(root, value) : textOf(root, value);
}

const NAMES = new WeakMap<AnyStateNode, Map<string, string>>();

/** A state that is one name is asked for with each event. */
function nameText(root: AnyStateNode, name: string): string {
  const names = NAMES.get(root) ?? new Map<string, string>();
  NAMES.set(root, names);
  const text = names.get(name) ?? textOf(root, name);
  names.set(name, text);
  return text;
}

function textOf(root: AnyStateNode, value: StateValue): string {
  const leaves = leavesOf(root, value);
  return leaves.length === 0 ? pathOf(root) : leaves.join(JOIN);
}

/** @returns for example `review.documents`; the machine's id for its root. */
export function pathOf({ path, machine }: AnyStateNode): string {
  return join(path.length === 0 ? [machine.id] : path);
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

/** @returns the leaves that a {@link stateText} names. */
export function leavesIn(text: string): string[] {
  return text.split(JOIN);
}

/** @returns these leaves and all states they are in, outer before inner, each once. */
export function pathsOf(leaves: readonly string[]): string[] {
  const paths = leaves.flatMap((leaf) => {
    const keys = keysOf(leaf);
    return keys.map((_, index) => keys.slice(0, index + 1).join("."));
  });
  return [...new Set(paths)];
}

/** Is an actor of this state in the state that a path names, which may be an outer one? */
export function isIn(text: string, path: string): boolean {
  return pathsOf(leavesIn(text)).includes(path);
}

/** By dots that no backslash hides, as XState writes paths. */
export function keysOf(path: string): string[] {
  return path.match(/(?:\\.|[^.\\])+/g) ?? [];
}

/** Can an actor be in several leaves at once? */
export function hasParallel(root: AnyStateNode): boolean {
  return [...nodesOf(root)].some(({ type }) => type === "parallel");
}

function join(keys: readonly string[]): string {
  return keys.map((key) => key.replace(/[\\.·]/g, "\\$&")).join(".");
}
