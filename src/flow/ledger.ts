import { isDeepStrictEqual } from "node:util";
import type { ActorType, Conclusion, DecisionContent } from "../actor/actor-type.ts";
import {
  causeOf,
  type DecisionEnvelope,
  decodeContent,
  nextContent,
  sameContent,
  standingAfter,
} from "../actor/decision.ts";
import { withoutSource } from "./cloud-event.ts";
import type { LearntDecision, PublishedDecision } from "./rows.ts";

/*
 * What becomes of an actor's decisions when the stream already says something about it. Pure: no store, no NATS.
 *
 * Three rules hold throughout. A revision is said once. What was decided stays decided: another writer's decision is
 * history, and superseded when ours differs. And nothing is said again, or said differently, because a past is read
 * anew: only an event that nobody has decided on yet asks for a revision. (What is past ends, for an actor, with the
 * newest decision that is learnt. Where rules have changed since, an event after that one is decided by the new ones.)
 */

/** An actor's ledger as far as it matters for the next revision. */
export interface LedgerHead {
  /** The latest revision taken, 0 when none. */
  readonly revision: number;
  /** What the latest revision says, null when nothing stands. */
  readonly standing: DecisionContent | null;
}

/** What an applied event leads to. */
export interface Concluded {
  readonly conclusion: Conclusion;
  readonly eventId: string;
  /** 0 to 100. */
  readonly dataCompleteness: number;
  /** Of the event, in its stream. */
  readonly sequence: number;
}

/** What is to be written. */
export interface Advance {
  /** Decisions of the stream that are the actor's from now on, by revision. */
  readonly adopt: readonly PublishedDecision[];
  /** The next revision, null when none is due. */
  readonly record: { readonly revision: number; readonly content: DecisionContent } | null;
  /** The ledger afterwards. */
  readonly head: LedgerHead;
}

/**
 * Takes an actor's ledger on by one applied event.
 *
 * @param learnt - decisions the stream holds and the actor has not come to, by revision; some may be gone from it.
 */
export function advance(
  type: ActorType,
  head: LedgerHead,
  concluded: Concluded,
  learnt: readonly LearntDecision[],
): Advance {
  const { conclusion, sequence } = concluded;
  const ahead = learnt.filter(({ revision }) => revision > head.revision);
  const newest = ahead.at(-1);
  const content = nextContent(type, head.standing, conclusion);
  if (newest === undefined) return content === null ? adopt(type, head, []) : record(type, [], head.revision, content);
  const caused = ahead.findLastIndex(({ payload }) => isCause(type, concluded, payload));
  if (caused >= 0) return adopt(type, head, ahead.slice(0, caused + 1));
  // Of the past: the stream says what came of it, and more. It is not decided again.
  if (sequence <= newest.pastTo || content === null) return adopt(type, head, []);
  // Consumers go by the newest. Of a stream made anew nothing is past, and what it says is met again one by one.
  const same =
    newest.pastTo === 0
      ? ahead.findIndex(({ payload }) => sameContent(decodeContent(type, payload), content))
      : sameContent(decodeContent(type, newest.payload), content) && ahead.length - 1;
  if (same !== false && same >= 0) return adopt(type, head, ahead.slice(0, same + 1));
  return record(type, ahead, newest.revision, content);
}

/**
 * Was a decision caused by this event? It names its cause by an id that events of other types may have too, and whoever
 * took it too early would revise it. So two of three have to agree: what it says, what it rests on, what was known. One
 * may differ, as the rules may have changed since.
 */
function isCause(type: ActorType, { conclusion, eventId, dataCompleteness }: Concluded, payload: string): boolean {
  const cause = causeOf(payload);
  // In earlier versions a CloudEvent was known by its id alone.
  if (cause !== eventId && cause !== withoutSource(eventId)) return false;
  const said = JSON.parse(payload) as Partial<DecisionEnvelope>;
  const content = conclusion.content ?? { decisionType: type.withdrawn };
  const differences = [
    !sameContent(decodeContent(type, payload), content),
    said.basedOn !== undefined && !isDeepStrictEqual(said.basedOn, conclusion.basedOn),
    said.dataCompleteness !== undefined && said.dataCompleteness !== dataCompleteness,
  ];
  return differences.filter(Boolean).length < 2;
}

function adopt(type: ActorType, head: LedgerHead, decisions: readonly PublishedDecision[]): Advance {
  const last = decisions.at(-1);
  if (last === undefined) return { adopt: [], record: null, head };
  const standing = standingAfter(type, decodeContent(type, last.payload));
  return { adopt: decisions, record: null, head: { revision: last.revision, standing } };
}

function record(
  type: ActorType,
  decisions: readonly PublishedDecision[],
  after: number,
  content: DecisionContent,
): Advance {
  const revision = after + 1;
  return {
    adopt: decisions,
    record: { revision, content },
    head: { revision, standing: standingAfter(type, content) },
  };
}

/**
 * Revisions rise by one. Some may be gone from the stream, but not so many: a number far above the one before is not
 * natstate's, and going on after it would soon come to where numbers end.
 */
const MAX_STEP = 1_000_000;

/** Does a revision go on where `before` was? What does not rise is a copy, what leaps is forged: both are passed over. */
export function goesOn(before: number, revision: number): boolean {
  return revision > before && revision - before <= MAX_STEP;
}

/** Without copies of older revisions, and what leaps. @param found - by sequence. */
export function rising(found: readonly PublishedDecision[]): PublishedDecision[] {
  let before = 0;
  return found.filter(({ revision }) => {
    const isNext = goesOn(before, revision);
    if (isNext) before = revision;
    return isNext;
  });
}

/** One revision as the ledger has it. */
export interface OwnDecision {
  readonly revision: number;
  readonly payload: string;
  /** Sequence in DECISIONS, null while it is due. */
  readonly published: number | null;
}

/** What is on an actor's subject. */
export interface SubjectState {
  /** Its decisions, by rising revision. */
  readonly decisions: readonly PublishedDecision[];
  /** The stream's last sequence: what is said to be published above it, the stream has lost. */
  readonly streamEnd: number;
}

/** How a ledger is brought into agreement with the stream. */
export interface Reconciliation {
  /** Take the place of ours, as published. */
  readonly adopt: readonly PublishedDecision[];
  /** Ahead of us: to be recognised when we have read as far. */
  readonly learn: readonly PublishedDecision[];
  /** Ours that the stream does not hold and that nobody waits for: later ones are there, or they were removed. */
  readonly gone: readonly number[];
  /** Ours to be published, by revision. */
  readonly due: readonly number[];
  /** Our latest decision is to be said once more under this revision, because another writer's stands; else null. */
  readonly again: number | null;
  /** The latest revision afterwards. */
  readonly revision: number;
  /** Another writer has said something else than we have. */
  readonly isDiverged: boolean;
}

/**
 * Brings an actor's ledger into agreement with what its subject holds.
 *
 * @param own - the whole ledger, by revision.
 * @param isHeard - has the actor this event? Then a decision caused by it is not ahead of us.
 */
export function reconcile(
  type: ActorType,
  own: readonly OwnDecision[],
  { decisions, streamEnd }: SubjectState,
  isHeard: (eventId: string) => boolean,
): Reconciliation {
  const latest = own.at(-1);
  const ours = new Map(own.map((row) => [row.revision, row]));
  const revision = latest?.revision ?? 0;
  const ahead = decisions.filter((decision) => decision.revision > revision);
  const upTo = decisions.filter((decision) => decision.revision <= revision);
  const isDiverged =
    upTo.some((decision) => !saysSame(type, ours.get(decision.revision)?.payload, decision.payload)) ||
    ahead.some(({ payload }) => isHeard(causeOf(payload) ?? ""));
  const last = decisions.at(-1);
  const end = last?.revision ?? 0;
  const held = new Set(decisions.map((decision) => decision.revision));
  const missing = own.filter((row) => !held.has(row.revision));
  const isDue = (row: OwnDecision) => row.revision > end && (row.published ?? Number.POSITIVE_INFINITY) > streamEnd;
  const isSaid = saysSame(type, latest?.payload, last?.payload);
  const reached = isDiverged ? Math.max(revision, end) : revision;
  const again = isDiverged && end >= revision && latest !== undefined && !isSaid ? reached + 1 : null;
  return {
    adopt: isDiverged ? decisions : upTo,
    learn: isDiverged ? [] : ahead,
    gone: missing.filter((row) => row.published === null && !isDue(row)).map((row) => row.revision),
    due: missing.filter(isDue).map((row) => row.revision),
    again,
    revision: again ?? reached,
    isDiverged,
  };
}

/** A revision that is not in the ledger contradicts nothing. */
function saysSame(type: ActorType, ours: string | undefined, theirs: string | undefined): boolean {
  if (ours === undefined || theirs === undefined) return true;
  return ours === theirs || sameContent(decodeContent(type, ours), decodeContent(type, theirs));
}
