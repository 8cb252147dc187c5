import type { Step } from "./hosted-actor.ts";
import { writeTime } from "./written.ts";

/** What happened to an actor, a line each: when it was heard, what it said, what came of it. */
export function tellStory(steps: readonly Step[]): string[] {
  const lines = steps.map((step) => [writeTime(step.at), whatOf(step), resultOf(step)] as const);
  const widths = [0, 1].map((column) => Math.max(0, ...lines.map((line) => Math.min(60, line[column]?.length ?? 0))));
  return lines.map(([at, what, result]) => `${at.padEnd(widths[0] ?? 0)}  ${what.padEnd(widths[1] ?? 0)}  ${result}`);
}

function whatOf({ at, heard, isRestarted }: Step): string {
  const restarted = isRestarted ? "(restarted) " : "";
  if (heard === undefined) return `${restarted}time has passed`;
  const { type, timestamp, data } = heard;
  const fields = JSON.stringify(data);
  const when = timestamp === at ? "" : ` of ${writeTime(timestamp)}`;
  return `${restarted}${type}${when}${fields === "{}" ? "" : ` ${fields}`}`;
}

function resultOf({ outcome, problem, state, decided }: Step): string {
  const what = outcome === "applied" || outcome === "tick" ? "" : `${outcome}, `;
  const decisions = decided.map((content) => `; decides ${JSON.stringify(content)}`);
  return `${what}${state}${decisions.join("")}${problem === undefined ? "" : `; ${problem}`}`;
}
