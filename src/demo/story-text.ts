import type { PublishedObject } from "../flow/queries.ts";
import type { Paint } from "./report.ts";
import type { Story, StoryDecision, StoryLine } from "./story.ts";

const WIDTH = 100;
const GAP = "  ";

/** A story for a person: one line a delivery, aligned, and below it what was decided because of it. */
export function renderStory({ actorId, lines, end }: Story, paint: Paint): string {
  const timeOf = timeFormat(lines);
  const rows = lines.map((line) => ({
    line,
    cells: [String(line.heard), happened(line, timeOf), line.eventType, said(line), state(line)],
  }));
  const header = ["heard", "happened", "event", "what it said", "state"];
  const widths = columnWidths([header, ...rows.map(({ cells }) => cells)]);
  const row = (cells: readonly string[]) =>
    ` ${cells.map((cell, index) => pad(cell, widths[index])).join(GAP)}`.trimEnd();
  const decisionIndent = " ".repeat(1 + sum(widths.slice(0, 2)) + 2 * GAP.length);
  return [
    `${paint("bold", `The story of ${actorId}`)}, line by line as it was heard`,
    "",
    paint("dim", row(header)),
    ...rows.flatMap(({ line, cells }) => [
      line.outcome === "applied" ? row(cells) : paint("dim", row(cells)),
      ...(line.decision === null ? [] : [decisionIndent + paint("green", `└ ${decided(line.decision)}`)]),
    ]),
    "",
    ` In the end: ${ending(end)}`,
  ].join("\n");
}

function happened({ happened: place, timestamp }: StoryLine, timeOf: (timestamp: string) => string): string {
  return place === null || timestamp === null ? "-" : `${ordinal(place)}, ${timeOf(timestamp)}`;
}

function said(line: StoryLine): string {
  switch (line.outcome) {
    case "duplicate":
      return `again what line ${line.sameAs} said: ignored`;
    case "rejected":
      return `refused: ${line.reason}`;
    case "superseded":
      return `outdated: ${describe(line.data)}`;
    case "applied":
      return describe(line.data);
    default:
      return line.outcome satisfies never;
  }
}

function state({ heard, stateBefore, stateAfter }: StoryLine): string {
  return stateBefore === stateAfter && heard > 1 ? stateAfter : arrow(heard > 1 ? stateBefore : "", stateAfter);
}

function arrow(before: string, after: string): string {
  return before === "" ? after : `${before} → ${after}`;
}

function decided({ revision, supersedes, isWithdrawal, content }: StoryDecision): string {
  const { decisionType, ...fields } = content;
  if (isWithdrawal) return `decision ${revision} takes decision ${supersedes} back: ${decisionType}`;
  const replaced = supersedes === null ? "" : ` instead of ${supersedes}`;
  const details = describe(fields);
  return `decision ${revision}${replaced}: ${decisionType}${details === "" ? "" : `, ${details}`}`;
}

function ending({ state, completeness, waitingFor, standing }: Story["end"]): string {
  const unknown = waitingFor.length === 0 ? "" : `, ${waitingFor.join(" and ")} never came`;
  return `${state}, ${standing ?? "no decision"} stands; ${completeness} % known${unknown}.`;
}

/** Fields as a person would read them out; lists are too long for that. */
function describe(fields: PublishedObject): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && !Array.isArray(value))
    .map(([name, value]) => `${name} ${typeof value === "object" ? describeNested(value) : value}`)
    .join(", ");
}

function describeNested(value: object | null): string {
  const entries = Object.entries(value ?? {}).map(([name, inner]) => `${name}: ${inner}`);
  return entries.length === 0 ? "none" : entries.join(", ");
}

/** The day is left out when it is always the same, and so are the milliseconds. */
function timeFormat(lines: readonly StoryLine[]): (timestamp: string) => string {
  const timestamps = lines.flatMap(({ timestamp }) => timestamp ?? []);
  const days = new Set(timestamps.map((timestamp) => timestamp.slice(0, 10)));
  const isWhole = timestamps.every((timestamp) => timestamp.endsWith(".000Z"));
  return (timestamp) => timestamp.slice(days.size > 1 ? 0 : 11, isWhole ? -5 : -1);
}

/** Every column as wide as its widest cell, but the words only as wide as the line has room for. */
function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((cells) => (cells[column] ?? "").length)));
  const [heard = 0, when = 0, event = 0, words = 0, state = 0] = widths;
  const room = WIDTH - 1 - 4 * GAP.length - heard - when - event - state;
  return [heard, when, event, Math.max(12, Math.min(words, room)), state];
}

function pad(text: string, width = text.length): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

function sum(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, 0);
}

function ordinal(place: number): string {
  const suffixes: Record<string, string> = { one: "st", two: "nd", few: "rd" };
  return `${place}${suffixes[new Intl.PluralRules("en", { type: "ordinal" }).select(place)] ?? "th"}`;
}
