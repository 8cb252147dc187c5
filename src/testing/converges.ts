import { AssertionError } from "node:assert";
import type { ActorType } from "../actor/actor-type.ts";
import type { PastEvent } from "./arrivals.ts";
import { hostActor, type Published } from "./hosted-actor.ts";
import { prove, tellProof } from "./proof.ts";
import { readTime, type Written } from "./written.ts";

export interface ConvergesOptions<Type extends ActorType> {
  /** How many arrivals; 200 when absent. */
  readonly runs?: number;
  /** The same seed, the same arrivals; 1 when absent. */
  readonly seed?: number;
  /** Of which each arrival takes some or all. Absent: events are made from the type's contract. */
  readonly events?: readonly Written<Type>[];
}

/**
 * Whatever order its events arrive in, however often, and whenever its daemon is restarted: it comes to the same.
 *
 * @throws AssertionError with the smallest two arrivals found that do not; ContractError when no events can be made from the
 *   contract.
 */
export function converges<Type extends ActorType>(actor: Type, options: ConvergesOptions<Type> = {}): void {
  const { events, ...others } = options;
  const proof = prove(actor, { ...others, ...(events && { events: readEvents(actor, events) }) });
  const { divergence } = proof;
  if (divergence === undefined) return;
  const [actual, expected] = [divergence.other.ending, divergence.one.ending];
  throw new AssertionError({
    message: tellProof(actor, proof).join("\n"),
    ...{ actual, expected, operator: "deepStrictEqual" },
  });
}

/** @throws AssertionError for one that the contract refuses. */
function readEvents<Type extends ActorType>(actor: Type, events: readonly Written<Type>[]): PastEvent[] {
  const hosted = hostActor(actor, `${actor.name}-1`);
  for (const [index, event] of events.entries()) {
    const timestamp = readTime(event.timestamp ?? `00:00:${String(index % 60).padStart(2, "0")}`);
    const step = hosted.hear({ ...event, timestamp } as Published, Date.parse(timestamp));
    if (step.outcome === "rejected") throw new AssertionError({ message: `events[${index}]: ${step.problem}` });
  }
  return [...hosted.events()];
}
