import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import { withoutSource } from "../flow/cloud-event.ts";
import { comparable } from "../flow/hosts/stored-timeline.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { PublishedDecision, StoredActor } from "../flow/rows.ts";
import type { ActorImage, ImageDecision, ImageEvent } from "../store/stored-actor.ts";

/** One thing the store says of an actor that does not follow from the log. */
export interface Difference {
  readonly actorId: string;
  /** For example `state`, `event e-17 (PaymentProcessed)`, `revision 2`, `revision 2 in DECISIONS`. */
  readonly what: string;
  /** Null: not there. */
  readonly store: string | null;
  readonly log: string | null;
}

/** DECISIONS as far as one actor is concerned. */
export interface PublishedHistory {
  /** By sequence. */
  readonly decisions: readonly PublishedDecision[];
  /** First sequence of the stream: what is older has aged out. */
  readonly firstSequence: number;
}

const ROW_FIELDS = [
  "partition",
  "state",
  "completeness",
  "events",
  "decisionType",
  "standing",
  "firstSeenAtMs",
  "updatedAtMs",
] as const satisfies readonly (keyof StoredActor)[];

const EVENT_FIELDS = [
  "timestamp",
  "storedAtMs",
  "sequence",
  "outcome",
  "correlationId",
  "body",
] as const satisfies readonly (keyof ImageEvent)[];

/** Of a type whose machine was never another. */
const FIRST_VERSION = 1;

/** An actor held against the log. */
export interface Comparison {
  readonly differences: readonly Difference[];
  /**
   * Its decisions are not those the log gives today, but DECISIONS has them, and the one that stands is right: another
   * writer had come between, or they were taken by older rules.
   */
  readonly isOtherHistory: boolean;
  /** True: its row is of another version of its type, which may explain them; its next event, or a rebuild, brings it to today's. */
  readonly isOtherVersion: boolean;
}

/**
 * Holds what the store says of an actor against what the log gives, and against DECISIONS.
 *
 * Bodies of events and payloads of decisions must be equal to the byte. What was published after the store's moment, or
 * is not published yet, is no difference.
 */
export function* compareActor(
  actorId: string,
  stored: ActorImage,
  derived: ActorImage,
  published: PublishedHistory,
): Pieces<Comparison> {
  const ledgers = compareLedgers(stored, derived, published);
  const [from, to] = [stored, derived].map(({ row }) => row?.machineVersion);
  const differences = [
    ...compareRows(stored.row, derived.row),
    ...(yield* compareEvents(stored.events, derived.events, to !== undefined && to > FIRST_VERSION)),
    ...ledgers.found,
    ...compareDecisions(stored, published),
  ];
  const isOtherVersion = from !== undefined && to !== undefined && from !== to;
  const suffix = isOtherVersion ? ` (version ${from} → ${to})` : "";
  return {
    differences: differences.map(({ what, ...sides }) => ({ actorId, what: `${what}${suffix}`, ...sides })),
    isOtherHistory: ledgers.isOther,
    isOtherVersion,
  };
}

type Found = Omit<Difference, "actorId">;

function compareRows(stored: StoredActor | null, derived: StoredActor | null): Found[] {
  if (stored === null || derived === null) {
    if (stored === derived) return [];
    const shown = (row: StoredActor | null) => (row === null ? null : `${row.events} events, ${row.state}`);
    return [{ what: "row", store: shown(stored), log: shown(derived) }];
  }
  const found: Found[] = ROW_FIELDS.filter((name) => stored[name] !== derived[name]).map((name) => ({
    what: name,
    store: show(stored[name]),
    log: show(derived[name]),
  }));
  if (crc32(stored.snapshot) !== stored.checksum) {
    found.push({ what: "snapshot", store: "damaged: its checksum is wrong", log: "intact" });
  } else if (stored.machineVersion === derived.machineVersion && !isSameSnapshot(stored.snapshot, derived.snapshot)) {
    found.push({ what: "snapshot", store: stored.snapshot, log: derived.snapshot });
  }
  return found;
}

/**
 * What became of an event when it was heard stays as it was, also once its machine is mended: it is then what the machine of
 * that time made of it, and what all came to is told by the row.
 */
function* compareEvents(
  stored: readonly ImageEvent[],
  derived: readonly ImageEvent[],
  hadOtherRules: boolean,
): Pieces<Found[]> {
  const keyOf = ({ type, eventId }: ImageEvent) => `${type} ${eventId}`;
  const known = new Map(stored.map((event) => [keyOf(event), event]));
  const found: Found[] = [];
  for (const event of derived) {
    yield;
    // In earlier versions a CloudEvent was known by its id alone.
    const names = [event, { ...event, eventId: withoutSource(event.eventId) }].map(keyOf);
    const ours = names.map((name) => known.get(name)).find((found) => found !== undefined);
    if (ours !== undefined) known.delete(keyOf(ours));
    if (ours === undefined) {
      found.push({ what: nameOf(event), store: null, log: event.body });
      continue;
    }
    for (const field of EVENT_FIELDS) {
      if (ours[field] === event[field]) continue;
      if (field === "outcome" && (hadOtherRules || ours.outcome === "held")) continue;
      found.push({ what: `${nameOf(event)}: ${field}`, store: show(ours[field]), log: show(event[field]) });
    }
  }
  for (const event of known.values()) found.push({ what: nameOf(event), store: event.body, log: null });
  return found;
}

function compareLedgers(
  stored: ActorImage,
  derived: ActorImage,
  published: PublishedHistory,
): { found: Found[]; isOther: boolean } {
  const ours = new Map(stored.ledger.map((row) => [row.revision, row]));
  const theirs = new Map(derived.ledger.map((row) => [row.revision, row]));
  const differing = [...new Set([...ours.keys(), ...theirs.keys()])].filter(
    (revision) => ours.get(revision)?.payload !== theirs.get(revision)?.payload,
  );
  // What DECISIONS has is what was decided, whoever decided it; revisions after that have other numbers.
  const isOther = differing.some((revision) => {
    const row = ours.get(revision);
    return row !== undefined && row.published !== null && !contradicts(published, row);
  });
  const found: Found[] = differing
    .filter((revision) => !isOther || ours.get(revision)?.published === null)
    .map((revision) => ({
      what: `revision ${revision}`,
      store: ours.get(revision)?.payload ?? null,
      log: theirs.get(revision)?.payload ?? null,
    }));
  const last = Math.max(0, ...ours.keys());
  const revision = stored.row?.revision ?? 0;
  if (revision !== last) found.push({ what: "revision", store: show(revision), log: show(last) });
  return { found, isOther };
}

/** Revisions without gap or double, and the same bytes. */
function compareDecisions(stored: ActorImage, published: PublishedHistory): Found[] {
  const { decisions, firstSequence } = published;
  const found: Found[] = [];
  const first = decisions[0]?.revision ?? 1;
  const order = decisions.map(({ revision }) => revision);
  if (
    !isDeepStrictEqual(
      order,
      decisions.map((_, index) => first + index),
    ) ||
    (first > 1 && firstSequence === 1)
  ) {
    found.push({ what: "revisions in DECISIONS", store: null, log: order.join(", ") });
  }
  for (const row of stored.ledger) {
    if (row.published === null || !contradicts(published, row)) continue;
    const theirs = decisionAt(decisions, row.published);
    found.push({ what: `revision ${row.revision} in DECISIONS`, store: row.payload, log: theirs?.payload ?? null });
  }
  const ours = new Set([...stored.ledger, ...stored.imported].map(({ revision }) => revision));
  for (const { revision, payload } of knownDecisions(stored, published)) {
    if (!ours.has(revision)) found.push({ what: `revision ${revision} in DECISIONS`, store: null, log: payload });
  }
  return found;
}

/** Does DECISIONS hold something else where a revision was published? What has aged out cannot be held against it. */
function contradicts({ decisions, firstSequence }: PublishedHistory, row: ImageDecision): boolean {
  if (row.published !== null && row.published < firstSequence) return false;
  const theirs = decisionAt(decisions, row.published);
  return theirs?.revision !== row.revision || theirs.payload !== row.payload;
}

/** An actor may have taken thousands: they are not walked for each of them. */
function decisionAt(decisions: readonly PublishedDecision[], sequence: number | null): PublishedDecision | undefined {
  let [low, high] = [0, decisions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((decisions[middle]?.sequence ?? 0) < (sequence ?? 0)) low = middle + 1;
    else high = middle;
  }
  return decisions[low]?.sequence === sequence ? decisions[low] : undefined;
}

/** What of DECISIONS the store knew at its moment: what came later it may still learn, or take over. */
function knownDecisions(stored: ActorImage, { decisions }: PublishedHistory): PublishedDecision[] {
  const noted = new Set(stored.ledger.map(({ published }) => published));
  return decisions.filter(({ sequence }) => sequence <= stored.decisionsKnownTo || noted.has(sequence));
}

/** A machine that failed once may have been mended since. */
const MAY_CHANGE = "machine_error";

/**
 * Holds what the store has rejected against what the log gives.
 *
 * @param who - the actor or the stream they are of.
 * @param stored - reasons by stream sequence.
 */
export function compareRejections(
  who: string,
  stored: ReadonlyMap<number, string | undefined>,
  derived: ReadonlyMap<number, string>,
): Difference[] {
  return [...new Set([...stored.keys(), ...derived.keys()])].flatMap((sequence) => {
    const store = stored.get(sequence) ?? null;
    const log = derived.get(sequence) ?? null;
    if (store === log || store === MAY_CHANGE || log === MAY_CHANGE) return [];
    return [{ actorId: who, what: `dead letter ${sequence}`, store, log }];
  });
}

export function describeDifference({ actorId, what, store, log }: Difference): string {
  return `${actorId}: ${what} is ${store ?? "not there"}, the log gives ${log ?? "none"}`;
}

function nameOf(event: ImageEvent): string {
  return `event ${event.eventId} (${event.type}, ${event.sequence})`;
}

function isSameSnapshot(a: string, b: string): boolean {
  return a === b || isDeepStrictEqual(comparable(JSON.parse(a)), comparable(JSON.parse(b)));
}

function show(value: string | number | null): string {
  return value === null ? "null" : String(value);
}
