import type { ActorType } from "../actor/actor-type.ts";
import { ANSWER_FIELDS } from "../actor/check-actor-types.ts";
import { decodeContent } from "../actor/decision.ts";
import { compareTimestamps } from "../actor/event-time.ts";
import type { Past } from "../answers/find-actor.ts";
import type {
  ActorAnswer,
  ActorCounts,
  ActorHistory,
  ActorSummary,
  EventEntry,
  PublishedObject,
  QuarantineNotice,
  Stats,
} from "../answers/queries.ts";
import { countOf, pairs, say, table } from "./output.ts";
import { describeCounts, describeStates } from "./states-text.ts";

/** Fields of an answer that are not facets. */
const ENVELOPE = [...ANSWER_FIELDS, "catchingUp", "asOf"];

const MAX_FIELDS_WIDTH = 100;

export function renderActor(type: ActorType, actor: ActorAnswer): string[] {
  // A daemon of before does not tell what an actor waits for.
  const { quarantine, waitingFor, due = [] } = actor;
  const id = String(actor[type.idField]);
  const facets = Object.entries(actor).filter(([name]) => name !== type.idField && !ENVELOPE.includes(name));
  const known = pairs([
    [
      "state",
      quarantine === undefined ? actor.processingStatus : `${actor.processingStatus}, before its machine failed`,
    ],
    ["known", `${actor.dataCompleteness} %`],
    ["waiting for", describeWaiting(waitingFor, quarantine)],
    ...(due.length > 0 ? [["due", due.map(({ path, at }) => `${at} (${path})`).join(", ")] as const] : []),
    ["decision", actor.decision === null ? "none stands" : describeDecision(type, actor.decision)],
    ["last heard of", actor.lastUpdated],
    ...facets.map(([name, value]) => [name, describeValue(value)] as const),
  ]);
  return [
    `${type.name} ${id}`,
    "",
    ...renderQuarantine(id, quarantine),
    ...known,
    "",
    countOf(actor.version, "event"),
    ...renderEvents(actor.eventHistory),
  ];
}

/** An actor's events and decisions, in order, in lines. */
export function renderHistory(type: ActorType, id: string, { events, decisions, quarantine }: ActorHistory): string[] {
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
    ...renderQuarantine(id, quarantine),
    describeHeard(events),
    ...renderEvents(events, (event) => describeValue((event as { data?: unknown }).data)),
    "",
    countOf(decisions.length, "decision"),
    ...(rows.length === 0
      ? []
      : ["", ...table(["revision", "decision", "decided at", "caused by", "published"], rows)]),
  ];
}

/** A list of actors, a line each. @param fit - columns of the terminal, if it is one. */
export function renderList(
  type: ActorType,
  { actors, more }: { readonly actors: readonly ActorSummary[]; readonly more: boolean },
  fit?: number,
): string[] {
  if (actors.length === 0) return [`no ${type.collection}`];
  const rows = actors.map((actor) => [
    String(actor[type.idField]),
    actor.quarantine === undefined ? actor.processingStatus : "quarantined",
    `${actor.dataCompleteness} %`,
    actor.decisionType,
    actor.revision,
    actor.version,
    // To the minute: a line fits a terminal, and --json has the rest.
    actor.lastUpdated.slice(0, 16).replace("T", " "),
  ]);
  const lines = table([type.idField, "state", "known", "decision", "rev", "events", "last heard, UTC"], rows, fit);
  return more ? [...lines, "", `there are more, --limit ${actors.length * 2} shows them`] : lines;
}

/** Says on stderr that an answer may be of the past, and lack actors: also who counts lines, or reads JSON, is told. */
export function sayPast(past: Past | undefined): void {
  if (past !== undefined) say(describePast(past));
}

/** On one line. */
export function describePast({ asOf, catchingUpPartitions }: Past): string {
  const where = catchingUpPartitions === undefined ? "its partition is" : `partitions ${catchingUpPartitions} are`;
  return `of the past, as of ${asOf ?? "an unknown time"}: ${where} still being read, ask again`;
}

/** Counts over all daemons, and over these types. */
export function renderStats(types: readonly ActorType[], stats: Stats): string[] {
  return pairs([
    ...types.map(({ collection }) => {
      const counts = stats[collection] as ActorCounts;
      return [collection, `${counts.total} (${describeStates(counts)})`] as const;
    }),
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

function describeDecision(type: ActorType, decision: PublishedObject): string {
  const { revision, supersedes } = decision;
  const place = supersedes === null ? `revision ${revision}` : `revision ${revision}, supersedes ${supersedes}`;
  return `${describeContent(type, decision)} (${place})`;
}

/** Further events may end the quarantine of one that keeps nothing back; of any other only its release does. */
function describeWaiting(waitingFor: readonly string[], quarantine: QuarantineNotice | undefined): string {
  if (quarantine === undefined) return waitingFor.join(", ") || "no event";
  if (quarantine.parked > 0) return ["its release", ...waitingFor].join(", ");
  return `${waitingFor.join(", ") || "an event that mends it"}, or its release`;
}

/** A tick is in the history, and no event. */
function describeHeard(history: readonly EventEntry[]): string {
  const ticks = history.filter(({ outcome }) => outcome === "tick").length;
  const events = countOf(history.length - ticks, "event");
  return ticks === 0 ? events : `${events}, ${countOf(ticks, "tick")}`;
}

function renderQuarantine(id: string, quarantine: QuarantineNotice | undefined): string[] {
  if (quarantine === undefined) return [];
  const { since, error, parked } = quarantine;
  return [
    `QUARANTINED since ${since}: ${error}`,
    `${parked === 0 ? "its events are kept, and further ones may mend it" : `${countOf(parked, "event")} kept back`}; after a fix: npx natstate quarantine release ${id}`,
    "",
  ];
}

function renderEvents(events: readonly EventEntry[], detail?: (event: EventEntry) => string): string[] {
  const head = ["seq", "event", "event time", "received", "outcome", "duplicates", "conflicts", "event id"];
  const rows = events.map((event) => [
    event.sequence,
    event.eventType,
    event.timestamp,
    event.receivedAt,
    event.replayed === undefined ? event.outcome : `${event.outcome}, ${event.replayed} again`,
    event.duplicates,
    event.conflicts,
    event.eventId,
    ...(detail === undefined ? [] : [shorten(detail(event))]),
  ]);
  if (events.length === 0) return [];
  return ["", ...table(detail === undefined ? head : [...head, "fields"], rows), ...describeUnhandled(events)];
}

/** An outcome is that of the moment when the event was heard. */
function describeUnhandled(events: readonly EventEntry[]): string[] {
  /** When the first of those happened that were reordered since. */
  let earliest: string | undefined;
  const isOvertaken = events.toReversed().some(({ outcome, timestamp }) => {
    const isBehind = earliest !== undefined && compareTimestamps(earliest, timestamp) < 0;
    if (outcome === "reordered" && !isBehind) earliest = timestamp;
    return outcome === "unhandled" && isBehind;
  });
  if (!isOvertaken) return [];
  return [
    "",
    "unhandled: when it was heard. What was reordered since happened earlier and may have changed that: the console tells today's order",
  ];
}

/** A facet on one line: `name=value ...`, arrays and nested values as JSON. */
function describeValue(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value)
    .map(([name, field]) => `${name}=${typeof field === "string" ? field : JSON.stringify(field)}`)
    .join(" ");
}

/** A line must stay one on a terminal; `--json` has all of it. */
function shorten(text: string): string {
  return text.length <= MAX_FIELDS_WIDTH ? text : `${text.slice(0, MAX_FIELDS_WIDTH)}...`;
}
