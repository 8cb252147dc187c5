import { z } from "zod";
import { decisionEnvelope } from "../actor/decision.ts";
import { actorId } from "../wire/envelope.ts";
import { decisionSubject } from "../wire/names.ts";
import type { DecisionOf, EventContract } from "./contract.ts";

/** What a message on a decisions subject changed for its reader. */
export type DecisionChange<Actor extends EventContract> =
  /** `decision` stands now, in place of `replaced`. */
  | { readonly kind: "stands"; readonly decision: DecisionOf<Actor>; readonly replaced: DecisionOf<Actor> | null }
  /** Nothing stands any more; `decision` says so. */
  | { readonly kind: "withdrawn"; readonly decision: DecisionOf<Actor>; readonly replaced: DecisionOf<Actor> | null }
  /** A double, or an older revision than one seen before: nothing to do. */
  | { readonly kind: "stale"; readonly decision: DecisionOf<Actor> };

/** The latest decision of each actor. */
export interface DecisionFold<Actor extends EventContract> {
  /**
   * Takes one message, in whatever order and however often they come.
   *
   * @param message - its body: bytes, JSON text, or what {@link Decisions.read} gave.
   * @throws InvalidDecisionError when it is no decision of this type.
   */
  take(message: Uint8Array | string | DecisionOf<Actor>): DecisionChange<Actor>;
  /** What stands of an actor; null when nothing does. */
  standing(id: string): DecisionOf<Actor> | null;
  /** Everything that stands, by actor id. */
  all(): Map<string, DecisionOf<Actor>>;
}

/** What a consumer needs of an actor type's decisions. */
export interface Decisions<Actor extends EventContract> {
  /** Where they are published, for example `decisions.orders.<id>`; of all actors without an id. */
  subject(id?: string): string;
  /**
   * Reads the body of a decision message.
   *
   * @throws InvalidDecisionError when it is not JSON or not as the contract says. Fields it does not name are kept.
   */
  read(body: Uint8Array | string): DecisionOf<Actor>;
  /**
   * Keeps the highest revision of each actor, in memory. Whoever stores them instead needs the one rule alone: take a
   * message when its `revision` is higher than the stored one, and let a withdrawal leave nothing standing.
   *
   * @param known - what was stored before, for a consumer that goes on where it left off.
   */
  fold(known?: Iterable<DecisionOf<Actor>>): DecisionFold<Actor>;
}

/** A message that is no decision of this type. */
export class InvalidDecisionError extends Error {
  override readonly name = "InvalidDecisionError";
}

/** @param actor - what `defineActor` or `defineContract` gives. */
export function decisionsOf<Actor extends EventContract>(actor: Actor): Decisions<Actor> {
  const read = (body: Uint8Array | string) => readDecision(actor, body) as DecisionOf<Actor>;
  return {
    subject: (id = "*") => decisionSubject(actor, id),
    read,
    fold: (known = []) => foldDecisions(actor, read, known),
  };
}

function readDecision({ decisions, idField }: EventContract, body: Uint8Array | string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(typeof body === "string" ? body : new TextDecoder().decode(body));
  } catch (error) {
    throw new InvalidDecisionError("not JSON", { cause: error });
  }
  const type = String(((value ?? {}) as { decisionType?: unknown }).decisionType);
  if (decisions !== undefined && !Object.hasOwn(decisions, type)) {
    throw new InvalidDecisionError(`decisionType: expected one of ${Object.keys(decisions).join(", ")}`);
  }
  const envelope = decisionEnvelope.extend({ decisionType: z.string(), [idField]: actorId });
  const parsed = z.intersection(envelope, decisions?.[type] ?? z.object({})).safeParse(value);
  if (parsed.success) return value;
  const [issue] = parsed.error.issues;
  const message = `${issue?.path.join(".") || "decision"}: ${issue?.message}`;
  throw new InvalidDecisionError(message, { cause: parsed.error });
}

function foldDecisions<Actor extends EventContract>(
  { idField, withdrawn }: EventContract,
  read: Decisions<Actor>["read"],
  known: Iterable<DecisionOf<Actor>>,
): DecisionFold<Actor> {
  const latest = new Map<string, DecisionOf<Actor>>();
  const idOf = (decision: DecisionOf<Actor>) => (decision as Record<string, unknown>)[idField] as string;
  const standingOf = (decision: DecisionOf<Actor> | undefined) =>
    decision === undefined || decision.decisionType === withdrawn ? null : decision;

  function take(message: Uint8Array | string | DecisionOf<Actor>): DecisionChange<Actor> {
    const isBody = typeof message === "string" || message instanceof Uint8Array;
    const decision = isBody ? read(message) : message;
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
