import type { ActorSnapshot, ActorType, Conclusion, DecisionContent } from "./actor-type.ts";
import { DECISION_ENVELOPE, nextContent } from "./decision.ts";
import { normaliseTimestamp } from "./event-time.ts";
import { seal } from "./seal.ts";

/*
 * What an actor type's rules say, held to what `ActorType` promises. Each throws what is wrong, with the field's name:
 * the trouble of one actor.
 */

/**
 * JSON of a decision's content and of what it is based on. NATS carries at least this much: a server whose
 * `max_payload` has no room for it beside the largest event is refused at start.
 */
const MAX_DECISION_BYTES = 65_536;

/** Of a type that does not list them: it stands in metrics and filters. */
const DECISION_TYPE = /^[\w-]{1,64}$/;

/** A conclusion with all that a decision says of it. */
export type Drawn = Required<Conclusion>;

/** What a decision rests on. */
export type Grounds = Pick<Drawn, "basedOn" | "decidedAt">;

/**
 * @param heard - the event types that were heard; asked when the actor type has no rule of its own.
 * @returns 0 to 100; by event types in whole percent.
 */
export function measure(type: ActorType, actor: ActorSnapshot, heard: () => ReadonlySet<string>): number {
  if (type.completeness === undefined) {
    const [eventTypes, known] = [Object.keys(type.events), heard()];
    return Math.round((100 * eventTypes.filter((name) => known.has(name)).length) / eventTypes.length);
  }
  const percent: unknown = ignoreLater(type.completeness(actor));
  if (typeof percent === "number" && percent >= 0 && percent <= 100) return percent;
  throw new Error(`completeness: expected 0 to 100, found ${show(percent)}`);
}

/** Of an actor nothing was heard of. */
export const NOTHING_HEARD = (): ReadonlySet<string> => new Set();

/**
 * What follows from an actor, as a consumer will read it. Its fields are looked at when they are to be published.
 *
 * @param said - what its rule `conclude` gave of it.
 * @param standing - the decision that stands.
 * @param grounds - asked when there is a new decision whose rule does not say what it rests on; absent: it has to.
 */
export function draw(type: ActorType, said: unknown, standing: DecisionContent | null, grounds?: () => Grounds): Drawn {
  const drawn: unknown = ignoreLater(said);
  if (!isPlain(drawn)) {
    const expected = type.ordering === "merge" ? "{ content, basedOn, decidedAt }" : "{ content }";
    throw new Error(`conclude: expected ${expected}, found ${show(drawn)}`);
  }
  if (drawn.content !== null && !isPlain(drawn.content)) {
    throw new Error(`conclude: expected a content that is an object or null, found ${show(drawn.content)}`);
  }
  const conclusion = drawn as unknown as Conclusion;
  if (nextContent(type, standing, conclusion) === null) return { basedOn: [], decidedAt: null, ...conclusion };
  const { basedOn, decidedAt } = conclusion;
  const isGrounded = grounds === undefined || (basedOn !== undefined && decidedAt !== undefined);
  return check(type, { ...conclusion, ...(isGrounded ? {} : fill(conclusion, grounds())) } as Drawn);
}

/** What is undefined is as good as absent. */
function fill({ basedOn, decidedAt }: Conclusion, grounds: Grounds): Grounds {
  return { basedOn: basedOn ?? grounds.basedOn, decidedAt: decidedAt === undefined ? grounds.decidedAt : decidedAt };
}

/** Grounds for who only looks whether a rule can be asked; undefined of a type whose rules have to give their own. */
export function groundless({ ordering }: ActorType): (() => Grounds) | undefined {
  return ordering === "merge" ? undefined : () => ({ basedOn: [], decidedAt: null });
}

function check(type: ActorType, conclusion: Drawn): Drawn {
  const problem = findProblem(type, conclusion);
  if (problem !== undefined) throw new Error(problem);
  const { content, basedOn } = conclusion;
  const json = JSON.stringify(content);
  const bytes = Buffer.byteLength(json) + Buffer.byteLength(JSON.stringify(basedOn));
  if (bytes > MAX_DECISION_BYTES) throw new Error(`content and basedOn: ${bytes} bytes, at most ${MAX_DECISION_BYTES}`);
  // A member that is undefined, or -0, would make the decision another than its own stored copy.
  return { ...conclusion, content: JSON.parse(json) as DecisionContent | null };
}

function findProblem(type: ActorType, { content, basedOn, decidedAt }: Drawn): string | undefined {
  if (!Array.isArray(basedOn) || !basedOn.every((id) => typeof id === "string")) {
    return `basedOn: ${whose(type)}the ids of events; found ${show(basedOn)}`;
  }
  if (decidedAt !== null && (typeof decidedAt !== "string" || normaliseTimestamp(decidedAt) === null)) {
    return `decidedAt: ${whose(type)}RFC 3339 with a zone, or null; found ${show(decidedAt)}`;
  }
  return content === null ? undefined : findContentProblem(type, content);
}

/** Of a type that merges nobody else knows it. */
function whose({ ordering }: ActorType): string {
  return ordering === "merge" ? 'with ordering "merge" conclude says it, ' : "expected ";
}

function findContentProblem(type: ActorType, content: DecisionContent): string | undefined {
  const { decisionType, ...fields } = content;
  if (!canDecide(type, decisionType)) {
    const listed = type.decisionTypes.filter((name) => name !== type.withdrawn);
    const expected = listed.length > 0 ? `none of ${listed.join(", ")}` : "not 1 to 64 letters, digits, _ and -";
    return `content.decisionType: ${show(decisionType)} is ${expected}`;
  }
  if (decisionType === type.withdrawn) return `content: null says that nothing follows, not ${decisionType}`;
  const taken = Object.keys(fields).find((name) => name === type.idField || DECISION_ENVELOPE.includes(name));
  if (taken !== undefined) return `content.${taken}: that field is the envelope's`;
  const changed = seal("content", content);
  if (changed !== undefined) return changed;
  const described = type.decisions?.[decisionType]?.safeParse(fields);
  if (described === undefined || described.success) return undefined;
  const [issue] = described.error.issues;
  return `content.${issue?.path.join(".")}: ${issue?.message}`;
}

/** Is this a decision of the type's? Where it lists none but the withdrawing one, any may be. */
export function canDecide({ decisionTypes, decisions, withdrawn }: ActorType, decisionType: unknown): boolean {
  if (typeof decisionType !== "string") return false;
  const isOpen = decisions === undefined && decisionTypes.every((name) => name === withdrawn);
  return isOpen ? DECISION_TYPE.test(decisionType) : decisionTypes.includes(decisionType);
}

/** A promise is no answer, and nobody waits for it: when it fails, it must not end the process. */
function ignoreLater(answer: unknown): unknown {
  if (answer instanceof Promise) answer.catch(() => {});
  return answer;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Promise);
}

function show(value: unknown): string {
  if (value instanceof Promise) return "a promise";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : String(value);
}
