import type { PublishedObject } from "../answers/queries.ts";
import type { Story, StoryDecision, StoryLine } from "./story.ts";

const WIDTH = 100;
const GAP = "  ";
const WORDS = 3;
const LEAST_WORDS = 16;

/** Of the five columns. */
type Widths = readonly [number, number, number, number, number];

/** Puts colour on a text, or not: `styleText` of node:util for one stream. */
export type Paint = (style: "bold" | "dim" | "green" | "red", text: string) => string;

/** A story for a person: a row for each delivery, aligned, and below it what was decided because of it. */
export function renderStory({ actorId, lines, end }: Story, paint: Paint): string {
  const timeOf = timeFormat(lines);
  const rows = lines.map((line) => [
    String(line.heard),
    happened(line, timeOf),
    line.eventType,
    said(line),
    state(line),
  ]);
  const header = ["heard", "happened", "event", "what it said", "state"];
  const widths = columnWidths([header, ...rows]);
  // Below the second column: decisions have many words.
  const indent = " ".repeat(1 + widths[0] + GAP.length);
  return [
    `${paint("bold", `The story of ${actorId}`)}, line by line as it was heard (happened: by the times the events carry)`,
    "",
    paint("dim", renderRow(header, widths)),
    ...lines.flatMap(({ outcome, decision }, index) => {
      const row = renderRow(rows[index] ?? [], widths);
      return [
        outcome === "applied" ? row : paint("dim", row),
        ...(decision === null ? [] : [indent + paint("green", `└ ${decided(decision)}`)]),
      ];
    }),
    "",
    ` In the end: ${ending(end)}`,
  ].join("\n");
}

/** One line; a second one when the words need it. */
function renderRow(
  [heard = "", when = "", event = "", words = "", state = ""]: readonly string[],
  widths: Widths,
): string {
  const [first = "", second = ""] = wrap(words, widths[WORDS]);
  const lines = [
    [heard, when, event, first, state],
    ["", "", "", second, ""],
  ].map((cells) => ` ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(GAP)}`.trimEnd());
  return lines.filter((line) => line !== "").join("\n");
}

/** At most two lines, broken after a comma; what is longer ends in an ellipsis. */
function wrap(words: string, width: number): string[] {
  if (words.length <= width) return [words];
  const comma = words.lastIndexOf(", ", width - 1);
  if (comma < 0) return [`${words.slice(0, width - 1)}…`];
  const rest = words.slice(comma + 2);
  return [words.slice(0, comma + 1), rest.length > width ? `${rest.slice(0, width - 1)}…` : rest];
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
    case "reordered":
      return `late, but in time: ${describe(line.data)}`;
    case "unhandled":
      return `nothing takes it: ${describe(line.data)}`;
    case "held":
      return `kept, more is to be known: ${describe(line.data)}`;
    case "tick":
      return "so much time has passed";
    default:
      return line.outcome satisfies never;
  }
}

/** Where it was before stands in the row above. */
function state({ heard, stateBefore, stateAfter }: StoryLine): string {
  return heard === 1 || stateBefore === stateAfter ? stateAfter : `→ ${stateAfter}`;
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
function columnWidths(rows: readonly (readonly string[])[]): Widths {
  const widest = (column: number) => Math.max(...rows.map((cells) => (cells[column] ?? "").length));
  const [heard, when, event, state] = [widest(0), widest(1), widest(2), widest(4)];
  const room = WIDTH - 1 - 4 * GAP.length - heard - when - event - state;
  return [heard, when, event, Math.max(LEAST_WORDS, Math.min(widest(WORDS), room)), state];
}

function ordinal(place: number): string {
  const suffixes: Record<string, string> = { one: "st", two: "nd", few: "rd" };
  return `${place}${suffixes[new Intl.PluralRules("en", { type: "ordinal" }).select(place)] ?? "th"}`;
}
