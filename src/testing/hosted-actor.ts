import type { ActorSnapshot, ActorType, DecisionContent } from "../actor/actor-type.ts";
import { decodeContent, standingAfter } from "../actor/decision.ts";
import { compareTimestamps } from "../actor/event-time.ts";
import type { Handled, Outcome } from "../flow/batch-result.ts";
import { type Delivery, keptHeaders, toDelivery } from "../flow/delivery.ts";
import { storedDelivery } from "../flow/event-row.ts";
import type { Wait } from "../flow/hosts/waits.ts";
import { createHotActors, type HotActor } from "../flow/hot-actors.ts";
import { createProcessor } from "../flow/processor.ts";
import type { EventRow } from "../flow/rows.ts";
import { endMs } from "../flow/ticks.ts";
import { eventStream, eventSubject } from "../wire/names.ts";
import { encodeTick, tickSubject } from "../wire/tick.ts";
import { createMemoryJournal, type MemoryJournal } from "./memory-journal.ts";

export interface Standing extends Pick<ActorSnapshot, "value" | "context" | "status" | "output"> {
  /** For example `review.documents`; of parallel states all, joined by ` · `. */
  readonly state: string;
  readonly view: Readonly<Record<string, unknown>>;
  /** 0 to 100. */
  readonly completeness: number;
  readonly waitingFor: readonly string[];
  /** Delays it waits for, the earliest first. */
  readonly due: readonly Wait[];
  /** The decision that stands, null when none does. */
  readonly decision: DecisionContent | null;
  /** Why it is quarantined, null when it is not. */
  readonly quarantine: string | null;
}

/** One thing that happened to an actor, and what came of it. */
export interface Step {
  /** Stream time, normalised. */
  readonly at: string;
  /** Undefined: a delay has ended. */
  readonly heard?: { readonly type: string; readonly timestamp: string; readonly data: unknown };
  readonly outcome: Outcome;
  /** Why it was refused, is held, or comes to something else each time. */
  readonly problem?: string | undefined;
  readonly isRestarted: boolean;
  readonly state: string;
  readonly decided: readonly DecisionContent[];
}

/** An event of the type's contract as its publisher writes it. */
export interface Published {
  readonly eventType: string;
  readonly [field: string]: unknown;
}

/** As a server's own `max_payload`. */
const MAX_BYTES = 1_048_576;

export type HostedActor = ReturnType<typeof hostActor>;

/**
 * One actor on the daemon's own path of an event (`processor.ts`), with neither NATS nor a store that lasts: what a
 * publisher wrote is decoded, told apart from what was heard before, hosted, concluded from and kept as JSON.
 *
 * @param first - id of the actor, as its machine is told.
 */
export function hostActor(type: ActorType, first: string) {
  const lane = { type, stream: eventStream(type), partition: 0 };
  const journal = createMemoryJournal();
  const actors = createHotActors(journal, 1, () => {});
  const processor = createProcessor(journal, actors, { maxBytes: MAX_BYTES });
  let id = first;
  let sequence = 0;
  let isRestarted = false;
  let steps: Step[] = [];
  const live = () => actors.find(lane, id, 0);
  const contents = contentsOf(type, journal);

  function take(delivery: Delivery, heard: Step["heard"]): Step {
    const before = journal.decisions().length;
    const { handled } = processor.apply([delivery]);
    const done = readHandled(handled[0] as Handled, journal.quarantined());
    const state = live().live.state();
    const at = new Date(delivery.storedAtMs).toISOString();
    const step = { at, ...(heard && { heard }), ...done, isRestarted, state, decided: contents().slice(before) };
    isRestarted = false;
    steps.push(step);
    return step;
  }

  const message = (subject: string, body: string, storedAtMs: number): Delivery => {
    const [collection, ...rest] = subject.split(".");
    const stored = [collection, lane.partition, ...rest].join(".");
    return toDelivery(lane, {
      ...{ sequence: ++sequence, subject: stored, body: Buffer.from(body), storedAtMs },
      ...keptHeaders([]),
    });
  };

  return {
    /** Hears an event as its publisher wrote it. @param storedAtMs - by the stream's clock. */
    hear(event: Published, storedAtMs: number): Step {
      const { eventType, timestamp, ...data } = event;
      const body = JSON.stringify({ [type.idField]: id, ...event });
      const delivery = message(eventSubject(type, id, eventType), body, storedAtMs);
      return take(delivery, { type: eventType, timestamp: String(timestamp), data });
    },
    /** Hears an event as a history has it; its contract is not asked again. */
    hearAgain(event: Omit<EventRow, "actorKey">): Step {
      const { type: eventType, timestamp, body } = event;
      sequence = Math.max(sequence + 1, event.sequence);
      const delivery = storedDelivery(lane, id, { ...event, actorKey: 0, sequence });
      return take(delivery, { type: eventType, timestamp, data: JSON.parse(body) });
    },
    /** Lets time pass up to and with `time`, normalised: each delay that ends by then acts in its turn, as by a tick. */
    pass(time: string, storedAtMs: number): void {
      for (;;) {
        const due = live().live.due();
        if (due === null || compareTimestamps(due, time) > 0) return;
        const tick = encodeTick(type, id, due);
        take(message(tickSubject(type, id), tick, Math.max(storedAtMs, endMs(due))), undefined);
      }
    },
    /** It leaves memory: what it hears next, it is restored from its row for. */
    restart(): void {
      actors.evict(lane, id);
      isRestarted = true;
    },
    standing: (): Standing => look(live(), contents().at(-1), journal.quarantined()),
    /** What it published, by revision. */
    decisions: (): DecisionContent[] => [...contents()],
    /** The same, as it is on the wire. */
    payloads: (): string[] => journal.decisions().map(({ payload }) => payload),
    /** What happened to it, in order. */
    steps: (): readonly Step[] => steps,
    events: journal.events,
    /** From now on it is another actor, of which nothing was ever heard. @param other - absent: of the same id. */
    begin(other = id): void {
      journal.clear();
      actors.evict(lane, id);
      id = other;
      isRestarted = false;
      steps = [];
    },
  };
}

/** Reads each decision once. */
function contentsOf(type: ActorType, journal: MemoryJournal): () => readonly DecisionContent[] {
  let rows = journal.decisions();
  let decided: DecisionContent[] = [];
  return () => {
    if (rows !== journal.decisions()) decided = [];
    rows = journal.decisions();
    for (const { payload } of rows.slice(decided.length)) decided.push(decodeContent(type, payload));
    return decided;
  };
}

function readHandled(
  { outcome, rejected, held, dependsOn }: Handled,
  quarantined: string | undefined,
): Pick<Step, "outcome" | "problem"> {
  if (rejected !== undefined) return { outcome, problem: `${rejected.reason}: ${rejected.error}` };
  if (dependsOn !== undefined) {
    return {
      outcome,
      problem: `its machine or rules depend on ${dependsOn}: what they come to must be the same always`,
    };
  }
  return { outcome, problem: held ?? (outcome === "held" || outcome === "parked" ? quarantined : undefined) };
}

function look(
  { live, completeness, lane: { type } }: HotActor,
  last: DecisionContent | undefined,
  quarantine: string | undefined,
): Standing {
  const snapshot = live.snapshot();
  const { value, context, status, output } = snapshot;
  return {
    ...{ state: live.state(), value, context, status, output, due: live.waits() },
    ...{
      view: type.view(snapshot),
      completeness: type.completeness?.(snapshot) ?? completeness,
      waitingFor: type.waitingFor(snapshot),
    },
    decision: last === undefined ? null : standingAfter(type, last),
    quarantine: quarantine ?? null,
  };
}
