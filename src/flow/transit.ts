import type { ActorEvent } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { type Drawn, draw, measure } from "../actor/conclude.ts";
import type { Past } from "./hosts/fact.ts";
import type { Effect } from "./hosts/live-actor.ts";
import type { HotActor } from "./hot-actors.ts";
import { ReplayError } from "./rebuild.ts";

/** What is heard of an actor. */
export interface Impulse {
  /** Absent: only that time passes. */
  readonly event?: ActorEvent;
  /** How far time has passed now, normalised event time; absent for an actor that waits for nothing ever. */
  readonly passed?: string | undefined;
  /** All events heard before. */
  readonly past: Past;
  /** The event types it has heard, this one's too. */
  readonly heard: () => ReadonlySet<string>;
  /** It is quarantined: if all goes well, it no longer is. */
  readonly isHeld: boolean;
}

/**
 * What an impulse led to. `passed`: no event, only time. `held`: nothing can be concluded now, its facts are kept. `error`:
 * the actor is as it was before.
 */
export type Transition =
  | {
      readonly kind: "applied" | "superseded" | "unhandled" | "reordered" | "passed";
      /** Events that happened later and were folded again. */
      readonly replayed: number;
      /** Absent: it has not changed. */
      readonly conclusion?: Drawn;
    }
  | { readonly kind: "held"; readonly error: Error }
  | { readonly kind: "error"; readonly error: Error };

/**
 * Lets an event act on an actor, and the time that has passed, and draws the conclusion.
 *
 * All that an actor's machine, rules and data can do wrong is found here, at the event that did it: what comes after
 * only writes, so that what fails there is the disk's trouble and no actor's.
 */
export function transit(actor: HotActor, impulse: Impulse): Transition {
  const { live, standing, lane } = actor;
  const { type } = lane;
  const { event, passed, past, heard, isHeld } = impulse;
  const tellsMore =
    type.completeness === undefined && event !== undefined && actor.heardTypes?.has(event.type) !== true;
  const before = live.snapshot();
  const effect = event === undefined ? undefined : send(actor, event, past);
  if (effect?.kind === "held") return hold(actor, heard, effect.error);
  if (effect?.kind === "error") return effect;
  const done = {
    kind: effect?.kind ?? ("passed" as const),
    replayed: effect?.kind === "reordered" ? effect.replayed : 0,
  };
  const { grounds } = live;
  let reading: ReturnType<typeof watchDisk> | undefined;
  try {
    if (passed !== undefined) live.pass(passed);
    const fault = live.fault();
    if (fault !== undefined) return hold(actor, heard, fault);
    const now = live.snapshot();
    if (now === before && !isHeld && actor.events > 0 && !tellsMore) return done;
    const completeness = measure(type, now, heard);
    const ground =
      grounds &&
      (() => {
        const read = watchDisk(past);
        reading = read;
        return grounds((after) => (event === undefined ? read.past(after) : [...read.past(after), event]));
      });
    const conclusion = done.kind === "superseded" ? undefined : draw(type, live.conclude(), standing, ground);
    actor.completeness = completeness;
    return { ...done, ...(conclusion && { conclusion }) };
  } catch (thrown) {
    reading?.throwTrouble();
    if (type.ordering !== "merge") return hold(actor, heard, asError(thrown));
    live.rewind();
    return { kind: "error", error: asError(thrown) };
  }
}

/** What is known of it is then what is known of the state that it shows: of one held from its first event, the initial one. */
function hold(actor: HotActor, heard: Impulse["heard"], error: Error): Transition {
  try {
    actor.completeness = measure(actor.lane.type, actor.live.snapshot(), heard);
  } catch {
    // The rule may be what failed: it stays what it was.
  }
  return { kind: "held", error };
}

/** An event that cannot be read any more is this one actor's trouble. */
function send({ live }: HotActor, event: ActorEvent, past: Past): Effect {
  try {
    return live.send(event, past);
  } catch (error) {
    if (error instanceof ReplayError) return { kind: "error", error };
    throw error;
  }
}

/** What the disk does wrong while an actor's past is read is no actor's trouble, whoever catches it on its way. */
function watchDisk(past: Past): { readonly past: Past; throwTrouble(): void } {
  let trouble: unknown;
  return {
    past(after) {
      try {
        return past(after);
      } catch (error) {
        if (!(error instanceof ReplayError)) trouble = error;
        throw error;
      }
    },
    throwTrouble() {
      if (trouble !== undefined) throw trouble;
    },
  };
}
