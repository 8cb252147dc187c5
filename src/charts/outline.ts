import type { AnyStateMachine } from "xstate";
import { keysOf } from "../actor/state-text.ts";
import { type GraphLabel, type GraphNode, graphOf, type MachineGraph } from "./graph.ts";

/**
 * Tells a machine in words: each state with where it goes and why, parts indented below it. For terminals, code review
 * and whoever listens instead of looking.
 *
 * @returns plain text, ending in a newline.
 */
export function outlineMachine(machine: AnyStateMachine): string {
  const graph = graphOf(machine);
  const everywhere = graph.everywhere.map((label) => `  ${transition(label)}`);
  return [
    `machine ${machine.id}${graph.description === null ? "" : `: ${graph.description}`}`,
    ...(everywhere.length === 0 ? [] : ["", "in every state", ...everywhere]),
    ...graph.nodes.filter((node) => node.parent === null).flatMap((node) => ["", ...outlineState(graph, node, "")]),
    "",
  ].join("\n");
}

function outlineState(graph: MachineGraph, node: GraphNode, indent: string): string[] {
  const kinds = [
    node.isInitial ? "initial" : "",
    node.kind === "atomic" ? "" : node.kind,
    node.kind === "history" && node.name === "H*" ? "deep" : "",
  ].filter((kind) => kind !== "");
  const about = node.description === null ? "" : `: ${node.description}`;
  const out = graph.edges
    .filter(({ source }) => source === node.id)
    .flatMap(({ target, labels }) => labels.map((label) => ({ ...label, targets: [target] })));
  return [
    `${indent}${node.kind === "history" ? keysOf(node.id).at(-1) : node.name}${kinds.length === 0 ? "" : ` (${kinds.join(", ")})`}${about}`,
    ...[...node.internal, ...out].map((label) => `${indent}  ${transition(label)}`),
    ...graph.nodes
      .filter(({ parent }) => parent === node.id)
      .flatMap((child) => outlineState(graph, child, `${indent}  `)),
  ];
}

/** `EVENT [guard] -> target: why`; without an event it is taken as soon as its guard holds. */
function transition({ event, guard, targets, description }: GraphLabel): string {
  const cause = [event === "" ? "always" : event, guard === null ? "" : `[${guard}]`].filter((part) => part !== "");
  const target = targets.length === 0 ? "" : ` -> ${targets.join(", ")}`;
  return `${cause.join(" ")}${target}${description === null ? "" : `: ${description}`}`;
}
