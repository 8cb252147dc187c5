import { standLive } from "./oracle.ts";
import type { Random } from "./random.ts";
import {
  type ActionSpec,
  type AfterSpec,
  type CaseSpec,
  type DelaySpec,
  FACT_TYPES,
  type FactSpec,
  type GuardSpec,
  LATER_TYPES,
  MAX_DELAYS,
  type NodeSpec,
  type OnSpec,
  RAISED_TYPES,
  type TransitionSpec,
  WILDCARDS,
} from "./spec.ts";

const MS = 1_000_000;
/** Facts happen within so long. */
const SPAN_MS = 40;
/** In UTF-8 the last two are in this order, in UTF-16 in the other. */
const IDS = ["1", "2", "a", "b", "é", "ﬁ", "😀"];
/** The last is what an absent id reads like, and must not be taken for. */
const TIMER_IDS = ["t", "u", "undefined"];

/** Of the cases whose facts all together end in a fault, so many are kept. */
const KEPT_FAULTS = 0.15;

/** Makes a case: a third of the machines are tame, and few end in a fault that no further fact mends. */
export function generateCase(random: Random): CaseSpec {
  const made = makeCase(random);
  return random.chance(KEPT_FAULTS) || !endsInFault(made) ? made : generateCase(random);
}

/** A machine that XState does not take is not looked at any further. */
function endsInFault({ machine, facts, ticks }: CaseSpec): boolean {
  try {
    return "fault" in standLive(machine, facts, ticks.at(-1), MAX_DELAYS);
  } catch {
    return false;
  }
}

function makeCase(random: Random): CaseSpec {
  const machine = new Machine(random).make();
  const facts = generateFacts(random, random.chance(0.5) ? 1 + random.int(4) : 4 + random.int(12));
  // Often the very time of a fact, or of a delay that began with one.
  const tick = () =>
    random.chance(0.7)
      ? random.pick(facts).at + random.pick([0, 0, 2, 5, 10, 20]) * MS
      : random.int((SPAN_MS + 20) * 2) * (MS / 2);
  const ticks = random.some(3, tick).sort((a, b) => a - b);
  const end = Math.max(...facts.map(({ at }) => at), ...ticks);
  return { machine, facts, ticks: [...ticks, end + 35 * MS] };
}

function generateFacts(random: Random, count: number): FactSpec[] {
  const types = random.chance(0.1) ? [...FACT_TYPES, "Unknown"] : FACT_TYPES;
  const times = generateTimes(random, 1 + random.int(count + 2));
  const facts = new Map<string, FactSpec>();
  for (let index = 0; index < count; index++) {
    const type = random.pick(types);
    const id = `${random.pick(IDS)}${count > 4 ? random.pick(IDS) : ""}`;
    facts.set(`${type}/${id}`, { type, id, at: random.pick(times), amount: random.int(6) });
  }
  return [...facts.values()];
}

/** Few times: many facts share one with another, or with the end of a delay. */
function generateTimes(random: Random, count: number): number[] {
  const times = [random.int(SPAN_MS / 2) * MS];
  while (times.length < count) {
    const isDelayed = random.chance(0.5);
    const ms = isDelayed ? random.pick([2, 5, 10, 10, 20]) : random.int(SPAN_MS);
    const finer = random.chance(0.15) ? random.pick([1, 500_000, 999_999]) : 0;
    times.push((isDelayed ? random.pick(times) : 0) + ms * MS + finer);
  }
  return times;
}

interface Slot {
  readonly id: string;
  readonly kind: NodeSpec["kind"];
  readonly states: readonly Slot[];
}

/** First the states, then what leads from each to any. */
class Machine {
  readonly #random: Random;
  readonly #isTame: boolean;
  readonly #logs: boolean;
  readonly #ids: string[] = [];
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#isTame = random.chance(0.65);
    this.#logs = random.chance(0.5);
  }

  make(): NodeSpec {
    const kind = this.#random.chance(0.3) ? "parallel" : "compound";
    return this.#fill(this.#slot(kind, 0), undefined);
  }

  #slot(kind: NodeSpec["kind"], depth: number): Slot {
    const id = depth === 0 ? "m" : `s${this.#count++}`;
    if (depth > 0) this.#ids.push(id);
    if (kind !== "compound" && kind !== "parallel") return { id, kind, states: [] };
    const states = Array.from({ length: 2 + this.#random.int(2) }, () =>
      this.#slot(this.#kind(kind, depth), depth + 1),
    );
    if (kind === "compound" && this.#random.chance(0.35)) states.push(this.#slot("final", depth + 1));
    if (this.#random.chance(depth === 0 ? 0.2 : 0.4)) states.push(this.#slot("history", depth + 1));
    return { id, kind, states };
  }

  #kind(parent: NodeSpec["kind"], depth: number): NodeSpec["kind"] {
    const chance = this.#random.next();
    if (depth >= 2) return parent === "parallel" ? "compound" : "atomic";
    if (depth >= 3) return "atomic";
    if (chance < 0.3) return "compound";
    if (chance < 0.45) return "parallel";
    return parent === "parallel" ? "compound" : "atomic";
  }

  #fill({ id, kind, states }: Slot, parent: Slot | undefined): NodeSpec {
    const random = this.#random;
    if (kind === "history") {
      const targets = parent?.kind === "compound" ? parent.states.filter((state) => state.kind !== "history") : [];
      const target = random.chance(0.4) && targets.length > 0 ? random.pick(targets).id : undefined;
      return { id, kind, isDeep: random.chance(0.5), ...(target !== undefined && { target }) };
    }
    const filled = states.map((state) => this.#fill(state, { id, kind, states }));
    const own = {
      id,
      kind,
      ...(filled.length > 0 && { states: filled }),
      ...(random.chance(0.4) && { entry: this.#actions() }),
      ...(random.chance(0.3) && { exit: this.#actions() }),
    };
    if (kind === "final") return { ...own, ...(random.chance(0.5) && { hasOutput: true }) };
    return {
      ...own,
      ...((parent === undefined || random.chance(0.7)) && { on: this.#ons() }),
      ...(random.chance(this.#isTame ? 0.3 : 0.4) && { after: this.#afters() }),
      ...(random.chance(0.12) && { always: [this.#always()] }),
      ...(filled.length > 0 && parent !== undefined && random.chance(0.5) && { onDone: this.#transition() }),
      ...(parent === undefined && random.chance(0.5) && { hasOutput: true }),
    };
  }

  #ons(): OnSpec[] {
    const events = [
      ...FACT_TYPES,
      ...FACT_TYPES,
      ...RAISED_TYPES,
      ...LATER_TYPES,
      ...(this.#random.chance(0.2) ? [WILDCARDS[this.#ids.length % WILDCARDS.length] ?? "*"] : []),
    ];
    const chosen = new Set(Array.from({ length: 1 + this.#random.int(4) }, () => this.#random.pick(events)));
    return [...chosen].map((event) => ({ event, take: this.#choices() }));
  }

  #afters(): AfterSpec[] {
    const delays = new Set(this.#random.some(1, () => this.#delay()).concat(this.#delay()));
    return [...delays].map((delay) => ({ delay, take: this.#choices() }));
  }

  #choices(): TransitionSpec[] {
    return this.#random.chance(0.25)
      ? [{ ...this.#transition(), guard: this.#guard() }, this.#transition()]
      : [this.#transition()];
  }

  #always(): TransitionSpec {
    return { target: this.#random.pick(this.#ids), guard: this.#alwaysGuard(), actions: [{ do: "count" }] };
  }

  #transition(): TransitionSpec {
    const random = this.#random;
    return {
      ...(random.chance(0.85) && { target: random.pick(this.#ids) }),
      ...(random.chance(0.2) && { reenter: true }),
      ...(random.chance(0.2) && { guard: this.#guard() }),
      ...(random.chance(0.5) && { actions: this.#actions() }),
    };
  }

  /** Mostly one that ends with the counting. */
  #alwaysGuard(): GuardSpec {
    return this.#random.chance(0.9) ? { is: "below", limit: 1 + this.#random.int(6) } : this.#guard();
  }

  #guard(): GuardSpec {
    const random = this.#random;
    const guards: GuardSpec[] = [
      { is: "below", limit: random.int(6) },
      { is: "even" },
      { is: "data", least: random.int(6) },
      { is: "gone" },
      { is: "in", state: random.pick(this.#ids) },
    ];
    const guard = random.pick(guards);
    return random.chance(0.2) ? { is: "not", guard } : guard;
  }

  #actions(): ActionSpec[] {
    return [this.#action(), ...this.#random.some(1, () => this.#action())];
  }

  #action(): ActionSpec {
    const random = this.#random;
    const chance = random.next();
    const tame: ActionSpec[] = [
      { do: "count" },
      { do: "take" },
      { do: "reset" },
      { do: "lose" },
      { do: "custom" },
      { do: "emit" },
    ];
    const waits: ActionSpec = { do: "later", event: random.pick(LATER_TYPES), delay: this.#delay() };
    if (chance < (this.#isTame ? 0.55 : 0.4)) return random.pick(tame);
    if (chance < 0.66) return this.#logs ? { do: "log", label: `l${random.int(40)}` } : { do: "stamp" };
    if (chance < 0.78) return random.chance(0.5) ? { ...waits, id: random.pick(TIMER_IDS) } : waits;
    if (chance < 0.81) return { do: "again", event: random.pick(LATER_TYPES), delay: this.#delay() };
    if (chance < 0.88) return { do: "cancel", id: random.pick(TIMER_IDS) };
    if (chance < 0.91) return { do: "raise", event: random.pick(RAISED_TYPES) };
    if (chance < 0.96 || this.#isTame) return { do: "enqueue", actions: [random.pick(tame), waits] };
    return random.chance(0.6) ? { do: "need", least: 1 + random.int(5) } : { do: "spoil" };
  }

  #delay(): DelaySpec {
    const random = this.#random;
    if (random.chance(0.15)) return random.pick(["byCount", "byData"]);
    if (!this.#isTame && random.chance(0.03)) return "never";
    return random.pick(this.#isTame ? [5, 10, 10, 20, 30] : [0, 1, 2, 2, 3, 5, 5, 10, 1.5]);
  }
}
