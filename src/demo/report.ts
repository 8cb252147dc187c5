import Table from "cli-table3";
import type { Counts, Stats } from "../flow/queries.ts";
import { total } from "./outcome.ts";
import type { Story } from "./story.ts";
import { renderStory } from "./story-text.ts";

/** What a demo run of one actor type came to; also its JSON form. */
export interface Report {
  /** The type's collection, for example `orders`. */
  readonly collection: string;
  readonly actors: number;
  readonly seed: number;
  /** Everything agrees with the model. */
  readonly ok: boolean;
  readonly byState: Counts;
  readonly standing: Counts;
  readonly decisions: Stats["decisions"];
  readonly events: Stats["events"];
  readonly deadLetters: Counts;
  /** Actors by completeness in percent. */
  readonly byCompleteness: Counts;
  readonly messages: number;
  /** From the first message sent until it was stored. */
  readonly publishSeconds: number;
  /** From the first message sent until the last decision was in its stream. */
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly services: number;
  readonly differences: readonly string[];
  readonly story: Story | null;
}

/** Puts colour on a text, or not: `styleText` of node:util for one stream. */
export type Paint = (style: "bold" | "dim" | "green" | "red" | "yellow", text: string) => string;

const MAX_DIFFERENCES = 20;

/** The report for a person: a table, one actor's story, and whether all agrees. At most 100 columns wide. */
export function renderReport(report: Report, paint: Paint): string {
  const { collection, actors, seed, messages, services, story } = report;
  const title = `${grouped(actors)} ${collection}, told by ${services} services in ${grouped(messages)} messages`;
  return [
    "",
    `${paint("bold", title)} ${paint("dim", `(seed ${seed})`)}`,
    "shuffled, late, repeated, contradicting each other, some not readable at all",
    "",
    renderTable(report, paint),
    ...(story === null ? [] : ["", renderStory(story, paint)]),
    "",
    renderVerdict(report, paint),
    "",
  ].join("\n");
}

function renderTable(report: Report, paint: Paint): string {
  const { decisions, events, deadLetters, byCompleteness, actors, messages, publishSeconds, seconds } = report;
  const decided = total(decisions.byType);
  const superseded = `${grouped(events.superseded)} heard too late to change anything, kept in the history`;
  const table = new Table({ style: { head: [], border: [] }, colWidths: [21, 11, 62], colAligns: ["left", "right"], wordWrap: true });
  const rows: [name: string, count: string, details: string][] = [
    [report.collection, grouped(actors), list(report.byState)],
    ["decisions", grouped(decided), list(decisions.byType)],
    ["revisions", grouped(decisions.revised), "decisions that replaced an earlier one, when later facts contradicted it"],
    ["events", grouped(events.applied + events.superseded), `${grouped(events.applied)} applied, ${superseded}`],
    ["duplicates ignored", grouped(events.duplicate), "the same event again: one effect, however far apart"],
    ["dead letters", grouped(total(deadLetters)), list(deadLetters)],
    ["completeness", `${average(byCompleteness)} %`, `${collectionOf(report)} by percent known: ${list(byCompleteness)}`],
    [
      "events/s",
      grouped(Math.round(report.eventsPerSecond)),
      `${grouped(messages)} published in ${publishSeconds.toFixed(2)} s, the last decision out after ${seconds.toFixed(2)} s`,
    ],
  ];
  table.push(...rows.map(([name, count, details]) => [paint("bold", name), count, details]));
  return table.toString();
}
