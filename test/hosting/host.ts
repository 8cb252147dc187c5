import type { ActorEvent } from "../../src/actor/actor-type.ts";
import type { Past } from "../../src/flow/hosts/fact.ts";
import { comparePlaces } from "../../src/flow/hosts/fact-order.ts";
import type { Step } from "../../src/flow/hosts/fold.ts";
import { type Actor, FoldFault } from "../../src/flow/hosts/fold.ts";
import { retell } from "../../src/flow/hosts/retell.ts";
import type { Moment } from "../../src/flow/hosts/statechart.ts";
import {
  reviveTimeline,
  type StoredAnchor,
  storeAnchors,
  storeTimeline,
} from "../../src/flow/hosts/stored-timeline.ts";
import { hear, pass, settleBefore, type Timeline } from "../../src/flow/hosts/timeline.ts";
import { FAULTS, type Stand } from "./oracle.ts";
import type { Random } from "./random.ts";
import { type FactSpec, timestampOf } from "./spec.ts";

/**
 * The timeline in use, now and then made cold and revived as a store would, or folded anew from its facts: after a change
 * of version, for an actor that was retired, for one that is released from its quarantine.
 */
export class Host {
  readonly #actor: Actor;
  readonly #random: Random;
  #facts: ActorEvent[] = [];
  #timeline: Timeline | undefined;
  #rows: readonly StoredAnchor[] = [];
  #passed = Number.NEGATIVE_INFINITY;
  #outcome: string | undefined;
  readonly #cold: number;
  readonly #forgets: number;
  /** Forgets old facts. */
  readonly #settles: boolean;

  constructor(actor: Actor, random: Random) {
    this.#actor = actor;
    this.#random = random;
    this.#cold = random.pick([0, 0.2, 1]);
    this.#forgets = random.pick([0, 0, 0.15]);
    this.#settles = random.chance(0.2);
  }

  /** @returns false for a fact that happened before what is folded once and for all. */
  take(next: FactSpec | number): boolean {
    return typeof next === "number" ? this.#pass(next) : this.#hear(next);
  }

  #hear({ type, id, at, amount }: FactSpec): boolean {
    const fact = { type, eventId: id, timestamp: timestampOf(at), data: { amount } };
    const base = this.#timeline?.base;
    if (base !== undefined && comparePlaces(fact, base.place) < 0) return false;
    const { timeline, heard } = hear(this.#actor, this.#timeline, fact, this.#past);
    this.#timeline = timeline;
    this.#outcome = heard.kind === "held" ? undefined : tellFact(fact, heard.kind !== "unhandled");
    this.#facts.push(fact);
    if (this.#settles) this.#settle(timestampOf(at - this.#random.int(10) * 1_000_000));
    this.#rest();
    return true;
  }

  /** In any order, and now and then more than was asked for. */
  readonly #past: Past = (after) => {
    const isMore = after === undefined || this.#random.chance(0.3);
    return this.#random.shuffle(this.#facts.filter((fact) => isMore || comparePlaces(fact, after) > 0));
  };

  #settle(horizon: string): void {
    if (this.#timeline === undefined || this.#random.chance(0.5)) return;
    this.#timeline = settleBefore(this.#timeline, horizon, this.#past);
    const { base } = this.#timeline;
    if (base !== undefined) this.#facts = this.#facts.filter((fact) => comparePlaces(fact, base.place) > 0);
  }

  #pass(at: number): boolean {
    this.#passed = Math.max(this.#passed, at);
    // A tick never begins an actor.
    if (this.#timeline !== undefined) this.#timeline = pass(this.#actor, this.#timeline, timestampOf(at));
    this.#rest();
    return true;
  }

  /** Where facts were settled they are gone: nothing can be folded anew. */
  #rest(): void {
    const isHeld = this.#timeline?.fault !== undefined;
    const isAnew = this.#random.chance(isHeld ? this.#forgets * 2 : this.#forgets);
    if (isAnew && this.#timeline?.base === undefined) this.#foldAnew();
    else this.#restInRow();
  }

  #foldAnew(): void {
    this.#rows = [];
    this.#timeline = undefined;
    const facts = this.#random.shuffle(this.#facts);
    this.#facts = [];
    for (const fact of facts) {
      this.#timeline = hear(this.#actor, this.#timeline, fact, this.#past).timeline;
      this.#facts.push(fact);
    }
    if (this.#timeline !== undefined && this.#passed > Number.NEGATIVE_INFINITY) {
      this.#timeline = pass(this.#actor, this.#timeline, timestampOf(this.#passed));
    }
  }

  #restInRow(): void {
    if (this.#timeline === undefined || !this.#random.chance(this.#cold)) return;
    // Anchors are written seldom; those of before must do no harm.
    if (this.#random.chance(0.3)) this.#rows = JSON.parse(JSON.stringify(storeAnchors(this.#timeline)));
    const row = JSON.parse(JSON.stringify(storeTimeline(this.#timeline)));
    this.#timeline = reviveTimeline(this.#actor.chart.machine, row, this.#rows);
    if (this.#timeline === undefined) throw new Error("a timeline did not revive");
  }

  /** What it came to, and what telling its fold step by step comes to. */
  stands(): readonly Stand[] {
    return [this.#stand(), this.#retell()];
  }

  /** What its last fact did when it was heard, told as a step; undefined when it could not be folded. */
  get outcome(): string | undefined {
    return this.#outcome;
  }

  #stand(): Stand {
    const { fault, end } = this.#timeline ?? {};
    if (fault !== undefined || end === undefined) return standFaulty(fault ?? new FoldFault("", "no end"));
    return standOf(end.now.moment);
  }

  #retell(): Stand {
    if (this.#timeline === undefined) throw new Error("no fact, no story");
    const told: string[] = [];
    let moment: Moment | undefined = this.#timeline.base?.moment;
    const fault = retell(this.#actor, this.#timeline, this.#random.shuffle(this.#facts), (step) => {
      moment = step.moment;
      told.push(step.kind === "fact" ? tellFact(step.event, step.isHandled) : tellDelay(step));
    });
    return fault === undefined ? { ...standOf(moment as Moment), told } : standFaulty(fault);
  }
}

function tellFact({ type, eventId, timestamp }: ActorEvent, isHandled: boolean): string {
  return `${timestamp} ${type} ${eventId} ${isHandled}`;
}

function tellDelay({ at, isHandled }: Step): string {
  return `${at} delay ${isHandled}`;
}

function standOf({ snapshot, timers }: Moment): Stand {
  const { value, context, status, output } = snapshot;
  return { value, context, status, output, due: timers.map(({ due }) => due).sort(byTime) };
}

/** Without their Z, texts of one length or not sort by time. */
function byTime(a: string, b: string): number {
  return a.slice(0, -1) < b.slice(0, -1) ? -1 : 1;
}

function standFaulty({ thrower, reason }: FoldFault): Stand {
  const isDelay = reason.includes("expected a finite number");
  const isForEver = reason.startsWith("timers for ever");
  const isJson = reason.endsWith("which JSON does not keep");
  return { thrower, fault: isDelay ? FAULTS.delay : isForEver ? FAULTS.forEver : isJson ? FAULTS.json : reason };
}
