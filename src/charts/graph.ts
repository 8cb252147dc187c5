import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { nodesOf, pathOf } from "../actor/state-text.ts";
import { transitionsOf } from "../actor/statechart-refusals.ts";
import { eventName, nameOf, stateName } from "./labels.ts";

/** A machine as a drawing needs it: plain data, no XState objects. */
export interface MachineGraph {
  readonly description: string | null;
  /** Parents before their children. */
  readonly nodes: readonly GraphNode[];
  /** At most one from one state to another; what may cause it is in its labels. */
  readonly edges: readonly GraphEdge[];
  /** What is taken in every state, because the root takes it. */
  readonly everywhere: readonly GraphLabel[];
}

export interface GraphNode {
  /** The state's path, for example `payment.pending`, as states are told everywhere. */
  readonly id: string;
  readonly name: string;
  /** Null at the top. */
  readonly parent: string | null;
  readonly kind: "atomic" | "compound" | "parallel" | "final" | "history";
  /** Is it the one its parent starts in? */
  readonly isInitial: boolean;
  /** Is it one of those that are active together, as its parent is parallel? */
  readonly isRegion: boolean;
  readonly description: string | null;
  /** Taken in this state without leaving it. */
  readonly internal: readonly GraphLabel[];
}

export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly labels: readonly GraphLabel[];
}

/** Why a transition is taken. */
export interface GraphLabel {
  /** Empty for a transition that needs no event (`always`). */
  readonly event: string;
  /** Is it taken when a time is over? Its event then says when. */
  readonly isDelay: boolean;
  readonly guard: string | null;
  readonly description: string | null;
  /** States it leads to, when it is not drawn as an edge. */
  readonly targets: readonly string[];
}

/** Reads the states and transitions of any machine, nested and parallel ones too. */
export function graphOf({ root }: AnyStateMachine): MachineGraph {
  const [, ...states] = nodesOf(root);
  return {
    description: root.description ?? null,
    nodes: states.map(nodeOf),
    edges: mergeEdges(states),
    everywhere: transitionsOf(root).map(labelOf),
  };
}

function nodeOf(node: AnyStateNode): GraphNode {
  return {
    id: pathOf(node),
    name: stateName(node),
    parent: node.parent === undefined || node.parent === node.machine.root ? null : pathOf(node.parent),
    kind: node.type,
    isInitial: node.parent?.initial.target.includes(node) ?? false,
    isRegion: node.parent?.type === "parallel" && node.type !== "history",
    description: node.description ?? null,
    internal: transitionsOf(node)
      .filter(({ target }) => target === undefined)
      .map(labelOf),
  };
}

function mergeEdges(states: readonly AnyStateNode[]): GraphEdge[] {
  const edges = new Map<string, GraphEdge & { labels: GraphLabel[] }>();
  for (const transition of states.flatMap(transitionsOf)) {
    for (const target of transition.target ?? []) {
      const source = pathOf(transition.source);
      const key = JSON.stringify([source, pathOf(target)]);
      const edge = edges.get(key) ?? { source, target: pathOf(target), labels: [] };
      edge.labels.push({ ...labelOf(transition), targets: [] });
      edges.set(key, edge);
    }
  }
  return [...edges.values()];
}

function labelOf(transition: AnyTransitionDefinition): GraphLabel {
  const { eventType, source, guard, description, target = [] } = transition;
  return {
    event: eventName(transition),
    isDelay: source.after.some((delayed) => delayed.eventType === eventType),
    guard: guard === undefined ? null : nameOf(guard, "guard"),
    description: description ?? null,
    targets: target.map(pathOf),
  };
}
