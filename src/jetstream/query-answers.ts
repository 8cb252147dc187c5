import type { ActorType } from "../actor/actor-type.ts";
import type { Activity } from "../answers/activity.ts";
import { ABSENCES, type Asked, findActor, type Standing } from "../answers/find-actor.ts";
import type { QuarantineQueries, Release } from "../answers/quarantine.ts";
import type { Queries } from "../answers/queries.ts";
import {
  isRefused,
  type Parameters,
  type Refused,
  readDeadLetterFilter,
  readListFilter,
  readMoment,
  readNoFilter,
  readQuarantineFilter,
  readSequence,
} from "../answers/query-filters.ts";
import type { Share } from "../answers/share.ts";
import { readJsonObject } from "../flow/json-body.ts";
import { inOne, type Pieces } from "../flow/pieces.ts";
import { isRejected } from "../wire/rejection.ts";

export interface AnswerSources extends Standing {
  readonly queries: Queries & QuarantineQueries;
  readonly release: Release;
  /** How many partitions each type has. */
  readonly partitions: number;
  /** What happened in the last minutes. */
  readonly activity: Pick<Activity, "read">;
}

/** A question that gets no answer; the status is one of HTTP. */
export interface Refusal {
  readonly status: 400 | 404 | 410 | 413 | 429 | 500 | 503;
  readonly code: "bad_request" | "not_found" | "retired" | "too_large" | "busy" | "internal" | "unavailable";
  readonly message: string;
  /** Said beside it. */
  readonly more?: object;
}

/** Undefined: the answer is another daemon's to give. */
export type Reply = { readonly found: object } | Refusal | undefined;
/** What is known at once is not waited for: whether the question is ours to answer, or to refuse. */
export type Answering = Pieces<Reply> | Refusal | undefined;

export interface Question {
  /** As it stands in the subject. */
  readonly name: string;
  /** About one actor, whose id ends the subject. */
  readonly isOfOne: boolean;
  ask(actorId: string, body: Uint8Array): Answering;
}

const MAX_QUESTION_BYTES = 4096;

export function questionsAbout(type: ActorType, sources: AnswerSources): Question[] {
  const { queries, release } = sources;
  const among = "in quarantine" as const;
  return [
    askOne(type, sources, { name: "get", ask: (id) => queries.get(type, id) }),
    askOne(type, sources, { name: "history", ask: (id) => queries.history(type, id) }),
    askOne(type, sources, { name: "steps", ask: (id) => queries.steps(type, id) }),
    askOne(type, sources, { name: "next", read: readMoment, ask: (id, { at }) => queries.next(type, id, at) }),
    askShare(type, sources, {
      name: "list",
      read: (parameters) => readListFilter(type, parameters),
      ask: (filter, partitions) => queries.list(type, filter, partitions),
    }),
    askShare(type, sources, {
      name: "stats",
      read: (given) => given,
      ask: (_, partitions) => queries.stats(type, partitions),
    }),
    askShare(type, sources, {
      name: "pulse",
      read: readNoFilter,
      ask: (_, partitions) => ({
        stats: queries.stats(type, partitions),
        activity: sources.activity.read(type, Date.now()),
        next: queries.nextDue(type, partitions),
      }),
    }),
    askShare(type, sources, {
      name: "dead-letters.list",
      read: readDeadLetterFilter,
      ask: (filter, partitions) => queries.deadLetters(type, filter, partitions),
    }),
    askShare(type, sources, {
      name: "dead-letters.show",
      read: readSequence,
      ask: ({ sequence }, partitions) => ({ deadLetter: queries.deadLetter(type, sequence, partitions) ?? null }),
    }),
    askShare(type, sources, {
      name: "quarantine.list",
      read: readQuarantineFilter,
      ask: (page, partitions) => queries.quarantined(type, { ...page, ...(partitions && { partitions }) }),
    }),
    askOne(type, sources, { name: "quarantine.show", ask: (id) => inOne(() => queries.quarantine(type, id)), among }),
    askOne(type, sources, { name: "quarantine.release", ask: (id) => inOne(() => release(type, id)), among }),
  ];
}

/** Whoever reads its partition answers; everybody else is silent. */
function askOne<Filter extends object>(
  type: ActorType,
  { queries: { retired }, whereabouts, pastOf }: AnswerSources,
  question: {
    readonly name: string;
    /** Absent: it takes no parameters. */
    readonly read?: (parameters: Parameters) => Filter | Refused;
    readonly ask: (actorId: string, filter: Filter) => Pieces<object | undefined>;
    readonly among?: Asked["among"];
  },
): Question {
  const { name, read, ask, among } = question;
  function* find(actorId: string, filter: Filter): Pieces<Reply> {
    const asked = { type, actorId, quoted: JSON.stringify(actorId), among };
    const finding = yield* findActor({ whereabouts, pastOf, retired }, asked, ask(actorId, filter));
    if (finding.kind === "found") return { found: finding.answer };
    if (finding.kind === "elsewhere") return undefined;
    const { kind, message, retired: more } = finding;
    const { status, code } = ABSENCES[kind];
    return { ...refusal(status, code, message), ...(more && { more: { retired: more } }) };
  }
  return {
    name,
    isOfOne: true,
    ask(id, body) {
      if (whereabouts(type, id) === "elsewhere") return undefined;
      const filter = read === undefined ? ({} as Filter) : readQuestion(body, read);
      return "status" in filter ? filter : find(id, filter);
    },
  };
}

/** Every daemon answers, and says for which partitions; those that moved meanwhile are no longer among them. */
function askShare<Filter extends object>(
  type: ActorType,
  { ownedPartitions, isSettling, partitions: of, pastOf }: AnswerSources,
  question: {
    readonly name: string;
    readonly read: (parameters: Parameters) => Filter | Refused;
    readonly ask: (filter: Filter, partitions?: readonly number[]) => object;
  },
): Question {
  const { name, read, ask } = question;
  const answer = (filter: Filter): Reply => {
    const own = ownedPartitions(type);
    const partitions = own ?? Array.from({ length: of }, (_, partition) => partition);
    const share: Share = { partitions, of, ...(isSettling(type) && { settling: true }) };
    return { found: { ...ask(filter, own), ...pastOf(type), share } };
  };
  return {
    name,
    isOfOne: false,
    ask(_, body) {
      const filter = readQuestion(body, read);
      return "status" in filter ? filter : inOne(() => answer(filter));
    },
  };
}

function readQuestion<Filter extends object>(
  body: Uint8Array,
  read: (parameters: Parameters) => Filter | Refused,
): Filter | Refusal {
  const parameters = readParameters(body);
  if (parameters === null) {
    return refusal(400, "bad_request", "body: expected a JSON object of at most 4 KiB, or nothing");
  }
  const filter = read(parameters);
  return isRefused(filter) ? refusal(400, "bad_request", filter.problem) : filter;
}

/** @returns null when the body is not a question. */
function readParameters(body: Uint8Array): Parameters | null {
  if (body.length === 0) return {};
  if (body.length > MAX_QUESTION_BYTES) return null;
  const read = readJsonObject("body", body);
  return isRejected(read) ? null : read.fields;
}

export function refusal(status: Refusal["status"], code: Refusal["code"], message: string): Refusal {
  return { status, code, message };
}
