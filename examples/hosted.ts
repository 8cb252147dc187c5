import { showToRules } from "../src/actor/actor-snapshot.ts";
import type { ActorEvent, ActorType, DecisionContent } from "../src/actor/actor-type.ts";
import { draw, groundless } from "../src/actor/conclude.ts";
import { nextContent, standingAfter } from "../src/actor/decision.ts";
import { stateText } from "../src/actor/state-text.ts";
import type { Actor } from "../src/flow/hosts/fold.ts";
import { createStatechart } from "../src/flow/hosts/statechart.ts";
import { type Heard, hear, pass, type Timeline } from "../src/flow/hosts/timeline.ts";

/** A fact, `at` its event time; without `heard` it is heard at once. */
export interface Told {
  readonly type: string;
  /** `10:00`, or `10:00:30`, or with a day of January in front `3 10:00`. */
  readonly at: string;
  readonly heard?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** One actor as natstate keeps it, and what it decides, without NATS and without a store. */
export class Hosted<Context> {
  /** Every decision published, in order. */
  readonly decisions: DecisionContent[] = [];
  readonly #type: ActorType<Context>;
  readonly #actor: Actor;
  readonly #facts: ActorEvent[] = [];
  #timeline: Timeline | undefined;

  constructor(type: ActorType<Context>) {
    this.#type = type;
    this.#actor = { chart: createStatechart(type.machine), id: "it", maxDelays: 1000 };
  }

  /** @returns what the last one did. */
  hear(...told: readonly Told[]): Heard["kind"] {
    let kind: Heard["kind"] = "unhandled";
    for (const each of told) {
      const { type, at, data = {} } = each;
      // The contract reads it first, as it does on the wire.
      const read = this.#type.events[type]?.parse(data) ?? {};
      const fact = { type, eventId: `${type}-${at}`, timestamp: time(at), data: read };
      const { timeline, heard } = hear(this.#actor, this.#timeline, fact, () => this.#facts);
      this.#facts.push(fact);
      this.#timeline = timeline;
      kind = heard.kind;
      this.pass(each.heard ?? at, this.#type.graceMs ?? 2000);
    }
    return kind;
  }

  /** Time has passed: what a tick says, and so does every message less the grace. */
  pass(at: string, graceMs = 0): void {
    if (this.#timeline === undefined) return;
    const passed = new Date(Date.parse(time(at)) - graceMs).toISOString();
    this.#timeline = pass(this.#actor, this.#timeline, passed);
    this.#decide();
  }

  get state(): string {
    const { machine, value } = this.#snapshot;
    return stateText(machine.root, value);
  }

  get context(): Context {
    return this.#snapshot.context as Context;
  }

  /** The decision that stands, null when none does. */
  get standing(): DecisionContent | null {
    const last = this.decisions.at(-1);
    return last === undefined ? null : standingAfter(this.#type as ActorType, last);
  }

  get #snapshot() {
    const { end, fault } = this.#timeline ?? {};
    if (fault !== undefined) throw fault;
    if (end === undefined) throw new Error("nothing was heard");
    return end.now.moment.snapshot;
  }

  #decide(): void {
    const type = this.#type as ActorType;
    // Throws what is no decision by the type's own contract.
    const conclusion = draw(type, showToRules(this.#snapshot), this.standing, groundless(type));
    const next = nextContent(type, this.standing, conclusion);
    if (next !== null) this.decisions.push(next);
  }
}

/** All arrival orders of a few facts. */
export function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}

function time(text: string): string {
  const [, day = "1", clock = ""] = /^(?:(\d+) )?([\d:.]+)$/.exec(text) ?? [];
  return new Date(`2026-01-${day.padStart(2, "0")}T${clock.length === 5 ? `${clock}:00` : clock}Z`).toISOString();
}
