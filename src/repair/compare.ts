import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import type { PublishedDecision, StoredActor } from "../flow/ports.ts";
import type { ActorImage, ImageEvent } from "../store/images.ts";

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
  "revision",
  "decisionType",
  "standing",
  "firstSeenAtMs",
  "updatedAtMs",
] as const satisfies readonly (keyof StoredActor)[];

const EVENT_FIELDS = [
  "type",
  "timestamp",
  "storedAtMs",
  "sequence",
  "outcome",
  "correlationId",
  "body",
] as const satisfies readonly (keyof ImageEvent)[];

/**
 * Holds what the store says of an actor against what the log gives.
 *
 * Bodies of events and payloads of decisions must be equal to the byte.
 */
export function compareActor(actorId: string, stored: ActorImage, derived: ActorImage): Difference[] {
  return [
    ...compareRows(stored.row, derived.row),
    ...compareEvents(stored.events, derived.events),
    ...compareLedgers(stored, derived),
  ].map((difference) => ({ actorId, ...difference }));
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
  } else if (stored.machineVersion === derived.machineVersion && !isSameJson(stored.snapshot, derived.snapshot)) {
    found.push({ what: "snapshot", store: stored.snapshot, log: derived.snapshot });
  }
  return found;
}

function compareEvents(stored: readonly ImageEvent[], derived: readonly ImageEvent[]): Found[] {
  const known = new Map(stored.map((event) => [event.eventId, event]));
  const found: Found[] = [];
  for (const event of derived) {
    const ours = known.get(event.eventId);
    known.delete(event.eventId);
    if (ours === undefined) {
      found.push({ what: nameOf(event), store: null, log: event.body });
      continue;
    }
    for (const field of EVENT_FIELDS) {
      if (ours[field] === event[field]) continue;
      found.push({ what: `${nameOf(event)}: ${field}`, store: show(ours[field]), log: show(event[field]) });
    }
  }
  for (const event of known.values()) found.push({ what: nameOf(event), store: event.body, log: null });
  return found;
}

/** What the log gives is the derived ledger, and what DECISIONS holds beyond it. */
function compareLedgers(stored: ActorImage, derived: ActorImage): Found[] {
  const payloads = (image: ActorImage) =>
    new Map([...image.imported, ...image.ledger].map(({ revision, payload }) => [revision, payload]));
  const ours = payloads(stored);
  const theirs = payloads(derived);
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((revision) => ours.get(revision) !== theirs.get(revision))
    .map((revision) => ({
      what: `revision ${revision}`,
      store: ours.get(revision) ?? null,
      log: theirs.get(revision) ?? null,
    }));
}

/**
 * Holds an actor's ledger against DECISIONS: revisions without gap or double, the same bytes.
 *
 * What was published after the store's moment, or is not published yet, is no difference.
 */
export function compareDecisions(actorId: string, stored: ActorImage, published: PublishedHistory): Difference[] {
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
    if (row.published === null || row.published < firstSequence) continue;
    const theirs = decisions.find(({ sequence }) => sequence === row.published);
    const payload = theirs?.revision === row.revision ? theirs.payload : null;
    if (payload === row.payload) continue;
    found.push({ what: `revision ${row.revision} in DECISIONS`, store: row.payload, log: payload });
  }
  const ours = new Set([...stored.ledger, ...stored.imported].map(({ revision }) => revision));
  for (const { revision, payload } of knownDecisions(stored, published)) {
    if (!ours.has(revision)) found.push({ what: `revision ${revision} in DECISIONS`, store: null, log: payload });
  }
  return found.map((difference) => ({ actorId, ...difference }));
}

/** What of DECISIONS the store knew at its moment: what came later it may still learn, or take over. */
export function knownDecisions(stored: ActorImage, { decisions }: PublishedHistory): PublishedDecision[] {
  const noted = new Set(stored.ledger.map(({ published }) => published));
  return decisions.filter(({ sequence }) => sequence <= stored.decisionsKnownTo || noted.has(sequence));
}

/** One difference on one line. */
export function describeDifference({ actorId, what, store, log }: Difference): string {
  return `${actorId}: ${what} is ${store ?? "not there"}, the log gives ${log ?? "none"}`;
}

function nameOf(event: ImageEvent): string {
  return `event ${event.eventId} (${event.type}, ${event.sequence})`;
}

function isSameJson(a: string, b: string): boolean {
  return a === b || isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
}

function show(value: string | number | null): string {
  return value === null ? "null" : String(value);
}
