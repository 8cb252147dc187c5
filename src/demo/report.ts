import Table from "cli-table3";
import type { Counts, Stats } from "../answers/queries.ts";
import { total } from "./outcome.ts";
import type { Story } from "./story.ts";
import { type Paint, renderStory } from "./story-text.ts";

/** What a demo run of one actor type came to; also its JSON form. */
export interface Report {
  /** Everything agrees with what is expected. */
  readonly ok: boolean;
  /** Who says what is expected: the type's independent model, or the type itself, its events heard once and in order. */
  readonly expectedBy: "model" | "order of events";
  /** The type's collection, for example `orders`. */
  readonly collection: string;
  readonly actors: number;
  readonly seed: number;
  readonly services: number;
  readonly messages: number;
  readonly byState: Counts;
  /** Revisions by type; `revised` counts those that replaced an earlier one. */
  readonly decisions: Stats["decisions"];
  /** Actors by standing decision. */
  readonly standing: Counts;
  /** Deliveries by outcome. */
  readonly events: Stats["events"];
  /** By reason. */
  readonly deadLetters: Counts;
  /** Actors by completeness in percent. */
  readonly byCompleteness: Counts;
  /** From the first message sent until the last was stored. */
  readonly publishSeconds: number;
  /** From the first message sent until the last decision was in its stream. */
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** What does not agree with what is expected, one line each. */
  readonly differences: readonly string[];
  readonly story: Story | null;
}

const MAX_DIFFERENCES = 20;

/** The report for a person: a table, one actor's story, and whether all agrees. At most 100 columns wide. */
export function renderReport(report: Report, paint: Paint): string {
  const { collection, actors, seed, messages, services, story } = report;
  const title = `${grouped(actors)} ${collection}, told by ${services} services in ${grouped(messages)} messages`;
  return [
    `${paint("bold", title)} ${paint("dim", `(seed ${seed})`)}`,
    "late, repeated, out of order, contradicting each other, some of them unreadable",
    "",
    renderTable(report, paint),
    "",
    ...(story === null ? [] : [renderStory(story, paint), ""]),
    renderVerdict(report, paint),
    "",
  ].join("\n");
}

function renderTable(report: Report, paint: Paint): string {
  const { collection, decisions, events, deadLetters, byCompleteness, actors, messages } = report;
  const rows: [name: string, count: string, details: string][] = [
    [collection, grouped(actors), list(report.byState)],
    ["decisions", grouped(total(decisions.byType)), list(decisions.byType)],
    ["revisions", grouped(decisions.revised), "of them replaced an earlier decision that no longer followed"],
    ["events", grouped(total(heardOf(events))), listHeard(heardOf(events))],
    ["duplicates ignored", grouped(events.duplicate), "the same event again"],
    ["dead letters", grouped(total(deadLetters)), list(deadLetters)],
    ["completeness", `${average(byCompleteness)} %`, `on average: ${listPercent(byCompleteness, collection)}`],
    [
      "events/s",
      grouped(report.eventsPerSecond),
      `${grouped(messages)} stored in ${report.publishSeconds.toFixed(2)} s, all decided after ${report.seconds.toFixed(2)} s`,
    ],
  ];
  const table = new Table({
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
    style: { head: [], border: [] },
    colWidths: [20, 9, 67],
    colAligns: ["left", "right", "left"],
    wordWrap: true,
  });
  table.push(...rows.map(([name, count, details]) => [name, paint("bold", count), details]));
  return table.toString();
}

/** What became of events that were news. */
function heardOf({ applied, superseded, reordered = 0, unhandled = 0, held = 0 }: Stats["events"]): Counts {
  return { applied, superseded, reordered, unhandled, held };
}

const HEARD: Readonly<Record<string, string>> = {
  applied: "applied",
  superseded: "outdated when heard and kept in the history",
  reordered: "late, but in time",
  unhandled: "that nothing takes",
  held: "held",
};

function listHeard(counts: Counts): string {
  return Object.entries(counts)
    .filter(([name, count]) => count > 0 || name === "applied")
    .map(([name, count]) => `${grouped(count)} ${HEARD[name]}`)
    .join(", ");
}

/** Of a type without a rehearsal nobody says whether its rules are right, only that how its events arrive changes nothing. */
const EXPECTATIONS: Readonly<Record<Report["expectedBy"], string>> = {
  model: "what an independent model of the rules expects",
  "order of events": "what they are when each event is heard once, in the order in which they happened",
};

function renderVerdict({ ok, collection, actors, differences, expectedBy }: Report, paint: Paint): string {
  const expected = EXPECTATIONS[expectedBy];
  if (ok) return paint("green", `All ${grouped(actors)} ${collection} are exactly ${expected}.`);
  const shown = differences.slice(0, MAX_DIFFERENCES).map((difference) => `  ${difference}`);
  const more = differences.length - shown.length;
  return [
    paint("red", `${differences.length} differences from ${expected}:`),
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join("\n");
}

/** `1,312`. */
export function grouped(count: number): string {
  return count.toLocaleString("en");
}

function list(counts: Counts): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${grouped(count)}`)
    .join(", ");
}

function listPercent(byCompleteness: Counts, collection: string): string {
  return Object.entries(byCompleteness)
    .sort(([a], [b]) => Number(b) - Number(a))
    .map(([percent, count]) => `${grouped(count)} ${collection} at ${percent} %`)
    .join(", ");
}

function average(byCompleteness: Counts): number {
  const sum = Object.entries(byCompleteness).reduce((all, [percent, count]) => all + Number(percent) * count, 0);
  return Math.round(sum / Math.max(1, total(byCompleteness)));
}
