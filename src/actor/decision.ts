import { isDeepStrictEqual } from "node:util";
import type { ActorType, Conclusion, DecisionContent } from "./actor-type.ts";

/** A decision as published: content and envelope side by side. */
export interface DecisionEnvelope {
  readonly revision: number;
  /** The revision it replaces, or null for the first. */
  readonly supersedes: number | null;
  readonly decidedAt: string | null;
  /** 0 to 100. */
  readonly dataCompleteness: number;
  readonly basedOn: readonly string[];
  readonly causationId: string;
  readonly correlationId: string | null;
}

/** The names of {@link DecisionEnvelope}. */
export const DECISION_ENVELOPE = [
  "revision",
  "supersedes",
  "decidedAt",
  "dataCompleteness",
  "basedOn",
  "causationId",
  "correlationId",
];

/** What the next revision has to say, or null when the standing decision still follows. */
export function nextContent(
  type: ActorType,
  standing: DecisionContent | null,
  conclusion: Conclusion,
): DecisionContent | null {
  if (conclusion.content === null) return standing === null ? null : { decisionType: type.withdrawn };
  return sameContent(standing, conclusion.content) ? null : conclusion.content;
}

/** The content that stands once `content` is published: a withdrawal leaves nothing standing. */
export function standingAfter(type: ActorType, content: DecisionContent): DecisionContent | null {
  return content.decisionType === type.withdrawn ? null : content;
}

/** Writes a decision in its wire form (docs/wire.md), JSON. */
export function encodeDecision(
  type: ActorType,
  actorId: string,
  content: DecisionContent,
  envelope: DecisionEnvelope,
): string {
  const { decisionType, ...fields } = content;
  const { revision, supersedes, decidedAt, ...rest } = envelope;
  return JSON.stringify({
    decisionType,
    [type.idField]: actorId,
    revision,
    supersedes,
    decidedAt,
    ...fields,
    ...rest,
  });
}

/**
 * The content of a decision read back from its wire form.
 *
 * @returns a content equal to none of ours when a stranger put something else than a decision on the subject.
 */
export function decodeContent(type: ActorType, payload: string): DecisionContent {
  const fields = parseFields(payload);
  const content = Object.entries(fields).filter(([name]) => name !== type.idField && !DECISION_ENVELOPE.includes(name));
  return { decisionType: "unreadable", ...Object.fromEntries(content) } as DecisionContent;
}

/** Which event a decision says it was caused by, undefined when it does not say so. */
export function causeOf(payload: string): string | undefined {
  const { causationId } = parseFields(payload) as { causationId?: unknown };
  return typeof causationId === "string" ? causationId : undefined;
}

function parseFields(payload: string): object {
  try {
    const fields: unknown = JSON.parse(payload);
    return typeof fields === "object" && fields !== null ? fields : {};
  } catch {
    return {};
  }
}

/** Do two contents say the same? Then no new revision is due. */
export function sameContent(a: DecisionContent | null, b: DecisionContent | null): boolean {
  return isDeepStrictEqual(a, b);
}
