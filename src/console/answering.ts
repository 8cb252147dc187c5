import type { FastifyReply } from "fastify";
import type { ActorType } from "../actor/actor-type.ts";
import { ABSENCES, type Finding, findActor, whyAbsent } from "../answers/find-actor.ts";
import { isRefused, type Refused } from "../answers/query-filters.ts";
import type { Door } from "../answers/questions.ts";
import { type Pieces, toJson } from "../flow/pieces.ts";
import type { Told } from "../members/listening.ts";
import type { Whole } from "../members/whole.ts";
import { ACTOR_ID } from "../wire/names.ts";
import type { Sources } from "./sources.ts";

/** Stable: programs look at it, people read the message. */
export type ErrorCode =
  | "bad_request"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "retired"
  | "method_not_allowed"
  | "misdirected_request"
  | "internal"
  | "unavailable";

/** What is found, what another daemon says, or why there is nothing, with the status for it. */
export type Reply =
  | { readonly found: object }
  | { readonly told: Told }
  | { readonly status: number; readonly code: ErrorCode; readonly message: string; readonly more?: object };

/** Where an answer comes from: from here, when its turn comes, unless that says that it is elsewhere; or from others. */
export interface Answering {
  readonly here?: Pieces<Reply | "elsewhere">;
  readonly elsewhere: () => Promise<Reply>;
}

/** Answers `{ error: { code, message } }`. */
export function refuse(reply: FastifyReply, status: number, code: ErrorCode, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

export function send(reply: FastifyReply, given: Reply): FastifyReply {
  if ("found" in given) return reply.send(given.found);
  if ("told" in given) {
    const { status, body } = given.told;
    // To the asker over HTTP a daemon that is too busy is one that is not there for a moment.
    if (status === 503 || status === 429) reply.header("retry-after", "1");
    return reply
      .code(status === 429 ? 503 : status)
      .type("application/json; charset=utf-8")
      .send(body);
  }
  const { status, code, message, more } = given;
  return reply.code(status).send({ error: { code, message }, ...more });
}

/** What is found, or the status and the words for why nothing is. */
export function tell(finding: Exclude<Finding, { kind: "elsewhere" }>): Reply {
  if (finding.kind === "found") return { found: finding.answer };
  const { kind, message, retired } = finding;
  return { ...ABSENCES[kind], message, ...(retired && { more: { retired } }) };
}

/** Answers a question, unless its parameters are refused. Rejects with BusyError or QueryError. */
export async function answer<Filter extends object>(
  door: Door,
  reply: FastifyReply,
  filter: Filter | Refused,
  ask: (filter: Filter) => Answering,
): Promise<FastifyReply> {
  if (isRefused(filter)) return refuse(reply, 400, "bad_request", filter.problem);
  const { here, elsewhere } = ask(filter);
  let isAnswered = false;
  if (here !== undefined) await door.ask(give(here));
  if (isAnswered || reply.raw.destroyed) return reply;
  return send(reply, await elsewhere());

  function* give(asked: Pieces<Reply | "elsewhere">): Pieces<void> {
    // Whoever asked may have gone while the question waited.
    if (reply.raw.destroyed) return;
    const answered = yield* asked;
    if (answered === "elsewhere") return;
    isAnswered = true;
    if ("found" in answered) reply.type("application/json; charset=utf-8").send(yield* toJson(answered.found));
    else send(reply, answered);
  }
}

export interface AskedOfOne {
  /** As it stands in the subject over NATS. */
  readonly question: string;
  readonly filter?: object | undefined;
  /** Finds it here. */
  readonly find: Pieces<object | undefined>;
  readonly among?: "in quarantine";
}

/** An actor is told by whoever reads its partition; where it has gone there since the question came, that one is asked. */
export function askOne(
  { queries: { retired }, whereabouts, pastOf, whole }: Sources,
  type: ActorType,
  actorId: string,
  { question, filter, find, among }: AskedOfOne,
): Answering {
  const about = { type, actorId, quoted: `'${actorId.slice(0, 128)}'`, among };
  const elsewhere = async (): Promise<Reply> => {
    // What is no id is nobody's, and would be no subject.
    if (!ACTOR_ID.test(actorId)) return tell(whyAbsent(about, "here"));
    return { told: await whole.owner(type, question, actorId, filter) };
  };
  if (whereabouts(type, actorId) === "elsewhere") return { elsewhere };
  return { here: findHere(), elsewhere };

  function* findHere(): Pieces<Reply | "elsewhere"> {
    const finding = yield* findActor({ whereabouts, pastOf, retired }, about, find);
    return finding.kind === "elsewhere" ? finding.kind : tell(finding);
  }
}

/**
 * What many actors are asked: of us alone when every partition is ours, also when its turn comes, else of all daemons. Also
 * we are asked as one of them, and waited for, when a partition has become ours a moment ago.
 */
export function askAll(
  { ownedPartitions, isSettling, whole }: Sources,
  type: ActorType,
  here: Pieces<Reply>,
  ask: (whole: Whole) => Promise<Reply>,
): Answering {
  const hasAll = () => ownedPartitions(type) === undefined;
  const elsewhere = () => ask(whole);
  return hasAll() && !isSettling(type) ? { here: askHere(), elsewhere } : { elsewhere };

  function* askHere(): Pieces<Reply | "elsewhere"> {
    return hasAll() ? yield* here : "elsewhere";
  }
}
