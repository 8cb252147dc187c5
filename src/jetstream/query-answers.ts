import type { ActorType } from "../actor/actor-type.ts";
import { ABSENCES, type Asked, findActor, type PastOf, type Whereabouts } from "../answers/find-actor.ts";
import type { QuarantineControl } from "../answers/quarantine.ts";
import type { ActorPage, Queries } from "../answers/queries.ts";
import { isRefused, type Parameters, readListFilter } from "../answers/query-filters.ts";
import { inOne, type Pieces } from "../flow/pieces.ts";

/** Where the answers come from. */
export interface AnswerSources {
  readonly queries: Queries;
  /** Absent: questions about quarantine are not answered. */
  readonly quarantine?: QuarantineControl;
  readonly whereabouts: (type: ActorType, actorId: string) => Whereabouts;
  /** Absent: all answers are of now. */
  readonly pastOf?: PastOf;
  /** Our partitions of a type, undefined for all. */
  readonly ownedPartitions: (type: ActorType) => readonly number[] | undefined;
}

/** A question that gets no answer; the status is one of HTTP. */
export interface Refusal {
  readonly status: 400 | 404 | 410 | 413 | 429 | 500 | 503;
  readonly code: "bad_request" | "not_found" | "retired" | "too_large" | "busy" | "internal" | "unavailable";
  readonly message: string;
}

/** Undefined: the answer is another daemon's to give. */
export type Reply = { readonly found: object } | Refusal | undefined;
/** What is known at once is not waited for: whether the question is ours to answer, or to refuse. */
export type Answering = Pieces<Reply> | Refusal | undefined;

/** One question about the actors of a type. */
export interface Question {
  /** As it stands in the subject. */
  readonly name: string;
  /** About one actor, whose id ends the subject. */
  readonly isOfOne: boolean;
  ask(actorId: string, body: Uint8Array): Answering;
}

const MAX_QUESTION_BYTES = 4096;
/** Of one answer about quarantine; far below the 1 MiB a NATS message may have. */
const QUARANTINE_PAGE = 500;

/** @param giver - our own id, by which we know our cursors again. */
export function questionsAbout(type: ActorType, giver: string, sources: AnswerSources): Question[] {
  const { queries, quarantine } = sources;
  const questions: Question[] = [
    askOne(type, sources, { name: "get", ask: (id) => queries.get(type, id) }),
    askOne(type, sources, { name: "history", ask: (id) => queries.history(type, id) }),
    { name: "list", isOfOne: false, ask: (_, body) => list(type, giver, sources, body) },
    { name: "stats", isOfOne: false, ask: () => inOne(() => stats(type, sources)) },
  ];
  if (quarantine === undefined) return questions;
  const { quarantine: find, release } = quarantine;
  const among = "in quarantine" as const;
  return [
    ...questions,
    { name: "quarantine.list", isOfOne: false, ask: (_, body) => listQuarantined(type, quarantine, sources, body) },
    askOne(type, sources, { name: "quarantine.show", ask: (id) => inOne(() => find(type, id)), among }),
    askOne(type, sources, { name: "quarantine.release", ask: (id) => inOne(() => release(type, id)), among }),
  ];
}

/** Whoever reads its partition answers; everybody else is silent. */
function askOne(
  type: ActorType,
  { queries: { retired }, whereabouts, pastOf }: AnswerSources,
  question: {
    readonly name: string;
    readonly ask: (actorId: string) => Pieces<object | undefined>;
    readonly among?: Asked["among"];
  },
): Question {
  const { name, ask, among } = question;
  function* find(actorId: string): Pieces<Reply> {
    const asked = { type, actorId, quoted: JSON.stringify(actorId), among };
    const finding = yield* findActor({ whereabouts, pastOf, retired }, asked, ask(actorId));
    if (finding.kind === "found") return { found: finding.answer };
    if (finding.kind === "elsewhere") return undefined;
    const { status, code } = ABSENCES[finding.kind];
    return refusal(status, code, finding.message);
  }
  return { name, isOfOne: true, ask: (id) => (whereabouts(type, id) === "elsewhere" ? undefined : find(id)) };
}

function list(type: ActorType, giver: string, sources: AnswerSources, body: Uint8Array): Answering {
  const { queries, ownedPartitions, pastOf } = sources;
  const parameters = readParameters(body);
  if (parameters === null)
    return refusal(400, "bad_request", "body: expected a JSON object of at most 4 KiB, or nothing");
  const partitions = ownedPartitions(type);
  const { cursor } = parameters;
  const [gaveIt, place = ""] = typeof cursor === "string" ? cursor.split(".") : [];
  if (gaveIt !== undefined && gaveIt !== giver) {
    if (partitions !== undefined) return undefined;
    return refusal(400, "bad_request", "cursor: not from this daemon, or from before its restart; start again");
  }
  const filter = readListFilter(type, gaveIt === undefined ? parameters : { ...parameters, cursor: place });
  if (isRefused(filter)) return refusal(400, "bad_request", filter.problem);
  return inOne(() => ({
    found: { ...withGiver(giver, queries.list(type, filter, partitions)), ...pastOf?.(type) },
  }));
}

function listQuarantined(
  type: ActorType,
  { quarantined }: QuarantineControl,
  { ownedPartitions, pastOf }: AnswerSources,
  body: Uint8Array,
): Answering {
  const { after } = readParameters(body) ?? {};
  const place = typeof after === "string" ? { after } : {};
  const partitions = ownedPartitions(type);
  const page = { limit: QUARANTINE_PAGE, ...place, ...(partitions && { partitions }) };
  return inOne(() => ({ found: { ...quarantined(type, page), ...pastOf?.(type) } }));
}

function stats(type: ActorType, { queries, ownedPartitions, pastOf }: AnswerSources): Reply {
  return { found: { ...queries.stats(type, ownedPartitions(type)), ...pastOf?.(type) } };
}

/** Rows are numbered by the store they are in, so a place in one list is none in another daemon's. */
function withGiver(id: string, page: ActorPage): ActorPage {
  return page.nextCursor === null ? page : { ...page, nextCursor: `${id}.${page.nextCursor}` };
}

/** @returns null when the body is not a question. */
function readParameters(body: Uint8Array): Parameters | null {
  if (body.length === 0) return {};
  if (body.length > MAX_QUESTION_BYTES) return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    return typeof value === "object" && !Array.isArray(value) ? (value as Parameters | null) : null;
  } catch {
    return null;
  }
}

export function refusal(status: Refusal["status"], code: Refusal["code"], message: string): Refusal {
  return { status, code, message };
}
