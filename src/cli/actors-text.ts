import type { ActorType } from "../../machines/actor-type.ts";
import { decodeContent } from "../flow/decision.ts";
import type {
  ActorAnswer,
  ActorCounts,
  ActorHistory,
  ActorSummary,
  Counts,
  EventEntry,
  PublishedObject,
  Stats,
} from "../flow/queries.ts";
import type { Past } from "../flow/whereabouts.ts";
import { pairs, table } from "./output.ts";

/** Fields of an answer that are not facets. */
const ENVELOPE = [
  "processingStatus",
  "dataCompleteness",
  "decision",
  "version",
  "lastUpdated",
  "eventHistory",
  "waitingFor",
  "catchingUp",
  "asOf",
];

const MAX_FIELDS_WIDTH = 100;

/** One actor for a person to read. */
export function renderActor(type: ActorType, actor: ActorAnswer): string {
  const facets = Object.entries(actor).filter(([name]) => name !== type.idField && !ENVELOPE.includes(name));
  const known = pairs([
    ["state", actor.processingStatus],
    ["known", `${actor.dataCompleteness} %`],
    ["waiting for", actor.waitingFor.join(", ") || "nothing"],
    ["decision", actor.decision === null ? "none stands" : describeDecision(type, actor.decision)],
    ["last heard of", actor.lastUpdated],
    ...facets.map(([name, value]) => [name, describeValue(value)] as const),
  ]);
  const heading = `${type.name} ${String(actor[type.idField])}`;
  return [heading, "", known, "", countOf(actor.version, "event"), "", renderEvents(actor.eventHistory)].join("\n");
}

/** An actor's events and decisions, in order. */
export function renderHistory(type: ActorType, id: string, { events, decisions }: ActorHistory): string {
  const rows = decisions.map((decision) => [
    Number(decision.revision),
    describeContent(type, decision),
    String(decision.decidedAt ?? ""),
    String(decision.causationId ?? ""),
    decision.published ? decision.sequence : "not yet",
  ]);
  return [
    `${type.name} ${id}`,
    "",
    countOf(events.length, "event"),
    "",
    renderEvents(events, (event) => describeValue((event as { data?: unknown }).data)),
    "",
    countOf(decisions.length, "decision"),
    ...(rows.length === 0 ? [] : ["", table(["revision", "decision", "decided at", "caused by", "published"], rows)]),
  ].join("\n");
}

/** A list of actors, a line each. */
export function renderList(
  type: ActorType,
  { actors, more }: { readonly actors: readonly ActorSummary[]; readonly more: boolean },
): string {
  if (actors.length === 0) return `no ${type.collection}`;
  const rows = actors.map((actor) => [
    String(actor[type.idField]),
    actor.processingStatus,
    `${actor.dataCompleteness} %`,
    actor.decisionType,
    actor.revision,
    actor.version,
    actor.lastUpdated,
  ]);
  const lines = table([type.idField, "state", "known", "decision", "revision", "events", "last heard of"], rows);
  return more ? `${lines}\n\nthere are more, --limit ${actors.length * 2} shows them` : lines;
}

/** Says with an answer that it may be of the past. */
export function withPast(text: string, past: Past | undefined): string {
  if (past === undefined) return text;
  const { asOf, catchingUpPartitions } = past;
  const where = catchingUpPartitions === undefined ? "its partition is" : `partitions ${catchingUpPartitions} are`;
  return `${text}\n\nof the past, as of ${asOf ?? "an unknown time"}: ${where} still being read, ask again`;
}

/** Counts over all daemons. */
export function renderStats(type: ActorType, stats: Stats): string {
  const { total, byState } = stats[type.collection] as ActorCounts;
  return pairs([
    [type.collection, `${total} (${describeCounts(byState)})`],
    ["standing", describeCounts(stats.standing.byType)],
    ["quarantined", String(stats.quarantined)],
    ["retired", String(stats.retired)],
    ["events", describeCounts(stats.events)],
    ["decisions", `${describeCounts(stats.decisions.byType)}; ${stats.decisions.revised} of them revised another`],
    ["dead letters", describeCounts(stats.deadLetters.byReason)],
  ]);
}

/** `OrderConfirmed warehouseId=W1 estimatedDays=3`. */
export function describeContent(type: ActorType, decision: PublishedObject): string {
  const { published, sequence, ...wire } = decision;
  const { decisionType, ...fields } = decodeContent(type, JSON.stringify(wire));
  return [decisionType, describeValue(fields)].filter((part) => part !== "").join(" ");
}

/** `pending 3, confirmed 12`; what is 0 is left out. */
export function describeCounts(counts: Counts): string {
  const shown = Object.entries(counts).filter(([, count]) => count > 0);
  return shown.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}

function describeDecision(type: ActorType, decision: PublishedObject): string {
  const { revision, supersedes } = decision;
  const place = supersedes === null ? `revision ${revision}` : `revision ${revision}, supersedes ${supersedes}`;
  return `${describeContent(type, decision)} (${place})`;
}

function renderEvents(events: readonly EventEntry[], detail?: (event: EventEntry) => string): string {
  const head = ["seq", "event", "event time", "received", "outcome", "duplicates", "conflicts", "event id"];
  const rows = events.map((event) => [
    event.sequence,
    event.eventType,
    event.timestamp,
    event.receivedAt,
    event.outcome,
    event.duplicates,
    event.conflicts,
    event.eventId,
    ...(detail === undefined ? [] : [shorten(detail(event))]),
  ]);
  return table(detail === undefined ? head : [...head, "fields"], rows);
}

/** A facet on one line: `name=value ...`, nested values as JSON. */
function describeValue(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([name, field]) => `${name}=${typeof field === "string" ? field : JSON.stringify(field)}`)
    .join(" ");
}

/** A line must stay one on a terminal; `--json` has all of it. */
function shorten(text: string): string {
  return text.length <= MAX_FIELDS_WIDTH ? text : `${text.slice(0, MAX_FIELDS_WIDTH)}...`;
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
