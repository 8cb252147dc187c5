import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { ActorType, Conclusion, DecisionContent } from "./actor-type.ts";

/** Event and decision time, in a contract. */
export function instant(description: string) {
  return z.string().meta({ format: "date-time", description });
}

/** Of a decision, beside the actor's id, `decisionType` and its fields (docs/wire.md). */
export const decisionEnvelope = z.object({
  revision: z.int().min(1).describe("1, 2, 3 ... for each actor; the highest one stands."),
  supersedes: z.int().min(1).nullable().describe("The revision it replaces, null for the first."),
  decidedAt: instant("The latest event time among the facts it rests on.").nullable(),
  dataCompleteness: z.number().min(0).max(100).describe("Known share of the actor's facets, in percent."),
  basedOn: z.array(z.string()).describe("Ids of the events it rests on."),
  causationId: z.string().describe("Id of the event that caused it."),
  correlationId: z.string().nullable().describe("Of the event that caused it."),
});

type Envelope = z.output<typeof decisionEnvelope>;
export type DecisionEnvelope = { readonly [Name in keyof Envelope]: Readonly<Envelope[Name]> };

/** The names of {@link decisionEnvelope}. */
export const DECISION_ENVELOPE = Object.keys(decisionEnvelope.shape);

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
