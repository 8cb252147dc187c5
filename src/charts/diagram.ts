import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { nodesOf } from "../actor/state-text.ts";
import { transitionsOf } from "../actor/statechart-refusals.ts";
import { eventName, nameOf, stateName } from "./labels.ts";

/** A line of a note: words of up to 60 characters together, or one that is longer. Mermaid does not wrap them. */
const WORDS = /\S(?:.{0,59}(?= |$)|\S*)/g;

/**
 * Draws a machine as a Mermaid `stateDiagram-v2`: states (nested and parallel ones too), transitions labelled
 * `EVENT [guard] / actions`, descriptions as notes.
 *
 * A transition of a state with children that has no target holds in all of them and is told in its note, the root's in
 * the note of the initial state: Mermaid cannot draw a loop around a group.
 *
 * @returns the diagram's text, ending in a newline.
 */
export function drawMachine(machine: AnyStateMachine): string {
  const { root } = machine;
  const about = root.description === undefined ? machine.id : `${machine.id}: ${oneLine(root.description)}`;
  return [
    "stateDiagram-v2",
    `  %% ${about}`,
    ...body(root, 1),
    ...crossings(root).map((line) => `  ${line}`),
    ...notes(root).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

/** What stands inside a state's braces: its children and the transitions among them. */
function body(node: AnyStateNode, depth: number): string[] {
  const indent = "  ".repeat(depth);
  const lines: string[] = [];
  if (node.type === "compound") {
    for (const target of node.initial.target) lines.push(`${indent}[*] --> ${idOf(target)}`);
  }
  children(node).forEach((child, index) => {
    if (node.type === "parallel" && index > 0) lines.push(`${indent}--`);
    lines.push(...declaration(child, depth));
  });
  const own = children(node).flatMap((child) => transitionsOf(child));
  for (const transition of own) {
    for (const target of targetsOf(transition)) {
      if (target.parent === node) lines.push(`${indent}${arrow(transition.source, target, transition)}`);
    }
  }
  return lines;
}

function declaration(node: AnyStateNode, depth: number): string[] {
  const indent = "  ".repeat(depth);
  const id = idOf(node);
  const name = stateName(node);
  const lines = [name === id ? `${indent}${id}` : `${indent}state "${quoted(name)}" as ${id}`];
  if (children(node).length > 0) lines.push(`${indent}state ${id} {`, ...body(node, depth + 1), `${indent}}`);
  if (node.type === "final") lines.push(`${indent}${id} --> [*]`);
  return lines;
}

/**
 * Transitions that leave their source's parent, and those of the root: written last and outside all braces, because
 * Mermaid moves a state into the braces it is named in.
 */
function crossings(node: AnyStateNode): string[] {
  const own = transitionsOf(node).flatMap((transition) =>
    targetsOf(transition)
      .filter((target) => target.parent !== node.parent)
      .flatMap((target) => sourcesOf(node, target).map((source) => arrow(source, target, transition))),
  );
  return [...own, ...children(node).flatMap(crossings)];
}

/** The root is not drawn: a transition of it leaves each of its states. */
function sourcesOf(node: AnyStateNode, target: AnyStateNode): AnyStateNode[] {
  return node.parent === undefined ? children(node).filter((child) => child !== target) : [node];
}

/** No target on a state without children is a loop on it. */
function targetsOf(transition: AnyTransitionDefinition): readonly AnyStateNode[] {
  if (transition.target !== undefined) return transition.target;
  return children(transition.source).length === 0 ? [transition.source] : [];
}

function arrow(source: AnyStateNode, target: AnyStateNode, transition: AnyTransitionDefinition): string {
  const label = labelOf(transition);
  return `${idOf(source)} --> ${idOf(target)}${label === "" ? "" : ` : ${escaped(label)}`}`;
}

function notes(root: AnyStateNode): string[] {
  const everywhere = root.type === "compound" ? root.initial.target[0] : children(root)[0];
  const write = (node: AnyStateNode): string[] => {
    const text = [
      ...wrapped(node.description ?? ""),
      ...inEvery(node, "Inside it"),
      ...(node === everywhere ? inEvery(root, "In every state") : []),
    ];
    const own =
      text.length === 0 ? [] : [`note right of ${idOf(node)}`, ...text.map((line) => `  ${line}`), "end note"];
    return [...own, ...children(node).flatMap(write)];
  };
  return children(root).flatMap(write);
}

function inEvery(node: AnyStateNode, where: string): string[] {
  if (children(node).length === 0) return [];
  return transitionsOf(node)
    .filter((transition) => transition.target === undefined)
    .flatMap((transition) => {
      const about = transition.description === undefined ? "" : `: ${transition.description}`;
      return wrapped(`${where}, ${labelOf(transition)}${about}`);
    });
}

function children(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states) as AnyStateNode[];
}

function labelOf(transition: AnyTransitionDefinition): string {
  const { guard, actions } = transition;
  const done = actions.map((action) => nameOf(action, "action")).join(", ");
  return [
    eventName(transition),
    guard === undefined ? "" : `[${nameOf(guard, "guard")}]`,
    done === "" ? "" : `/ ${done}`,
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** By a machine's root: the first state of each id. */
const FIRSTS = new WeakMap<AnyStateNode, ReadonlyMap<string, AnyStateNode>>();

/** A state's path in the letters Mermaid takes for an id; where two come to the same, the later one has its number behind. */
function idOf(node: AnyStateNode): string {
  const { root } = node.machine;
  const firsts = FIRSTS.get(root) ?? findFirsts(root);
  FIRSTS.set(root, firsts);
  const id = lettersOf(node);
  return firsts.get(id) === node ? id : `${id}_${node.order}`;
}

function findFirsts(root: AnyStateNode): Map<string, AnyStateNode> {
  return new Map([...nodesOf(root)].reverse().map((node) => [lettersOf(node), node]));
}

function lettersOf({ path }: AnyStateNode): string {
  return path.map((key) => key.replace(/\W/g, "_")).join("__");
}

function wrapped(text: string): string[] {
  return oneLine(text).match(WORDS) ?? [];
}

/** Colons and semicolons end a label; Mermaid takes them as entities. */
function escaped(text: string): string {
  return oneLine(text).replace(/[#:;]/g, (char) => `#${char.charCodeAt(0)};`);
}

function quoted(text: string): string {
  return oneLine(text).replaceAll('"', "'");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
