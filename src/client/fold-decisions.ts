import { z } from "zod";
import { actorId, decisionEnvelope } from "../wire/envelope.ts";
import { decisionSubject as subjectOf } from "../wire/names.ts";
import type { DecisionOf, EventContract } from "./contract.ts";

/** What a message on a decisions subject changed for its reader. */
export type DecisionChange<Contract extends EventContract> =
  /** `decision` stands now, in place of `replaced`. */
  | { readonly kind: "stands"; readonly decision: DecisionOf<Contract>; readonly replaced: DecisionOf<Contract> | null }
  /** Nothing stands any more; `decision` says so. */
  | {
      readonly kind: "withdrawn";
      readonly decision: DecisionOf<Contract>;
      readonly replaced: DecisionOf<Contract> | null;
    }
  /** A double, or an older revision than one seen before: nothing to do. */
  | { readonly kind: "stale"; readonly decision: DecisionOf<Contract> };

/** The latest decision of each actor. */
export interface DecisionFold<Contract extends EventContract> {
  /**
   * Takes one message, in whatever order and however often they come.
   *
   * @param message - its body: bytes, JSON text, or what {@link readDecision} gave.
   * @throws InvalidDecisionError when it is no decision of this type.
   */
  take(message: Uint8Array | string | DecisionOf<Contract>): DecisionChange<Contract>;
  /** What stands of an actor; null when nothing does. */
  standing(id: string): DecisionOf<Contract> | null;
  /** Everything that stands, by actor id. */
  all(): Map<string, DecisionOf<Contract>>;
}

/** A message that is no decision of this type. */
export class InvalidDecisionError extends Error {
  override readonly name = "InvalidDecisionError";
}

/** Where decisions are published, for example `decisions.orders.<id>`; of all actors without an id. */
export function decisionSubject(contract: Pick<EventContract, "collection">, id = "*"): string {
  return subjectOf(contract, id);
}

/**
 * Reads the body of a decision message.
 *
 * @throws InvalidDecisionError when it is not JSON or not as the contract says. Fields it does not name are kept.
 */
export function readDecision<Contract extends EventContract>(
  contract: Contract,
  body: Uint8Array | string,
): DecisionOf<Contract> {
  const of: EventContract = contract;
  let value: unknown;
  try {
    value = JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
  } catch (error) {
    throw new InvalidDecisionError("not JSON", { cause: error });
  }
  const { decisionType } = (value ?? {}) as { decisionType?: unknown };
  const fields = Object.hasOwn(of.decisions, String(decisionType)) ? of.decisions[String(decisionType)] : undefined;
  if (fields === undefined) {
    throw new InvalidDecisionError(`decisionType: expected one of ${Object.keys(of.decisions).join(", ")}`);
  }
  const parsed = z.intersection(decisionEnvelope.extend({ [of.idField]: actorId }), fields).safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InvalidDecisionError(`${issue?.path.join(".") || "decision"}: ${issue?.message}`, {
      cause: parsed.error,
    });
  }
  return value as DecisionOf<Contract>;
}

/**
 * Keeps the highest revision of each actor, in memory. Whoever stores them instead needs the one rule alone: take a
 * message when its `revision` is higher than the stored one, and let a withdrawal leave nothing standing.
 *
 * @param known - what was stored before, for a consumer that goes on where it left off.
 */
export function foldDecisions<Contract extends EventContract>(
  contract: Contract,
  known: Iterable<DecisionOf<Contract>> = [],
): DecisionFold<Contract> {
  const of: EventContract = contract;
  const latest = new Map<string, DecisionOf<Contract>>();
  const idOf = (decision: DecisionOf<Contract>) => (decision as Record<string, unknown>)[of.idField] as string;
  const standingOf = (decision: DecisionOf<Contract> | undefined) =>
    decision === undefined || decision.decisionType === of.withdrawn ? null : decision;

  function take(message: Uint8Array | string | DecisionOf<Contract>): DecisionChange<Contract> {
    const isBody = typeof message === "string" || message instanceof Uint8Array;
    const decision = isBody ? readDecision(contract, message) : message;
    const before = latest.get(idOf(decision));
    if (before !== undefined && before.revision >= decision.revision) return { kind: "stale", decision };
    latest.set(idOf(decision), decision);
    const kind = standingOf(decision) === null ? "withdrawn" : "stands";
    return { kind, decision, replaced: standingOf(before) };
  }

  for (const decision of known) take(decision);
  return {
    take,
    standing: (id) => standingOf(latest.get(id)),
    all: () => new Map([...latest].filter(([, decision]) => standingOf(decision) !== null)),
  };
}
