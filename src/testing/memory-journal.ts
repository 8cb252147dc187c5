import { isDeepStrictEqual } from "node:util";
import type { Journal } from "../flow/journal.ts";
import type { EventName, HeardEvent, LedgerRow, ParkedRow, StoredActor } from "../flow/rows.ts";

/** What a store keeps of the one actor it is about, in memory: rows as a real one keeps them, JSON and all. */
export type MemoryJournal = ReturnType<typeof createMemoryJournal>;

/** What else its parts do. */
type Further = Readonly<Record<string, unknown>>;

/** A store of one actor that is gone with its process: for who wants to see what becomes of it, and to keep nothing. */
export function createMemoryJournal() {
  const { clear: clearEvents, ...eventRows } = createEventRows();
  const { clear: clearHeld, ...heldRows } = createHeldRows();
  let checkpoint = 0;
  let row: StoredActor | undefined;
  let anchors: string | null = null;
  let decisions: LedgerRow[] = [];
  return {
    ...eventRows,
    ...heldRows,
    transaction: (work) => work(),
    checkpoint: () => checkpoint,
    saveCheckpoint(_, sequence) {
      checkpoint = sequence;
    },
    nextActorKey: () => 1,
    findActor: () => row,
    anchorsOf: () => anchors,
    saveAnchors(_, written) {
      anchors = written;
    },
    saveActor(saved) {
      row = { ...saved, rowVersion: saved.rowVersion + 1 };
      return saved.heard;
    },
    recordDecision: (decision) => void decisions.push(decision),
    learntDecisions: () => [],
    adoptDecision() {},
    learnDecision() {},
    recordDeadLetter: () => true,
    findRetired: () => undefined,
    wantRetired() {},
    addTally() {},
    /** What it decided, by revision. */
    decisions: (): readonly LedgerRow[] => decisions,
    /** Forgets all but how far its stream was read. */
    clear() {
      row = undefined;
      anchors = null;
      decisions = [];
      clearEvents();
      clearHeld();
    },
  } satisfies Journal & Further;
}

function createEventRows() {
  let events: HeardEvent[] = [];
  const find = ({ type, eventId }: EventName) =>
    events.findIndex((event) => event.type === type && event.eventId === eventId);
  const note = (event: EventName, noted: Partial<HeardEvent>) => {
    const index = find(event);
    events[index] = { ...(events[index] as HeardEvent), ...noted };
  };
  const factsOf = (_: unknown, from?: string) =>
    events.filter(({ timestamp }) => from === undefined || timestamp >= from.slice(0, 23));
  return {
    eventsOf: () => events,
    ...{ factsOf, factsInTurn: factsOf },
    heardTypes: (_, eventTypes) => eventTypes.filter((name) => events.some(({ type }) => type === name)),
    hasHeard: (_, event) => find(event) >= 0,
    recordEvent(_, heard) {
      const known = events[find(heard)];
      if (known === undefined) {
        events.push({ ...heard, outcome: "applied", replayed: 0, duplicates: 0, conflicts: 0 });
        return "new";
      }
      if (known.sequence === heard.sequence) return "again";
      const isSame =
        known.timestamp === heard.timestamp && isDeepStrictEqual(JSON.parse(known.body), JSON.parse(heard.body));
      note(heard, isSame ? { duplicates: known.duplicates + 1 } : { conflicts: known.conflicts + 1 });
      return isSame ? "duplicate" : "conflict";
    },
    markOutcome: (_, event, noted) => note(event, noted),
    forgetEvent: (_, event) => void events.splice(find(event), 1),
    /** What the actor heard, in the order in which it did. */
    events: (): readonly HeardEvent[] => events,
    clear() {
      events = [];
    },
  } satisfies Partial<Journal> & Further;
}

function createHeldRows() {
  let quarantined: string | undefined;
  let parked: ParkedRow[] = [];
  return {
    isQuarantined: () => quarantined !== undefined,
    quarantine({ error }) {
      quarantined = error;
    },
    endQuarantine() {
      quarantined = undefined;
    },
    park: (kept) => void parked.push(kept),
    hasParked: () => parked.length > 0,
    nextParked: () => parked[0],
    forgetParked(row) {
      parked = parked.filter((kept) => kept !== row);
    },
    takeParked: () => parked.splice(0),
    behind: () => [],
    /** Why it is quarantined, undefined when it is not. */
    quarantined: () => quarantined,
    clear() {
      quarantined = undefined;
      parked = [];
    },
  } satisfies Partial<Journal> & Further;
}
