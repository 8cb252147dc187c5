import { expect, it } from "vitest";
import type { AnyStateMachine } from "xstate";
import { showToRules } from "../../../src/actor/actor-snapshot.ts";
import type { ActorEvent, ActorType } from "../../../src/actor/actor-type.ts";
import { restoreByEventTime, startByEventTime } from "../../../src/flow/hosts/event-time.ts";
import type { Place } from "../../../src/flow/hosts/fact-order.ts";
import { createGrounding } from "../../../src/flow/hosts/grounds.ts";
import type { Moment } from "../../../src/flow/hosts/statechart.ts";
import { seededChoices } from "../../hosting/random.ts";
import { at, fact, Hosted, LOG, ORDER } from "./things.ts";

/** Names the state it is in. */
const type = {
  machine: ORDER as AnyStateMachine,
  conclude: ({ value }) => ({ content: { decisionType: String(value) } }),
} as ActorType;

const concludeAt = ({ snapshot }: Moment) => type.conclude(showToRules(snapshot)).content;

it("grounds are the facts applied in event-time order, and since when the same has followed", () => {
  const actor = new Hosted(ORDER);
  const grounding = createGrounding(concludeAt, actor.actor, { settled: undefined });
  const ground = () => grounding.ground(actor.timeline, () => actor.facts);
  expect(ground()).toEqual({ basedOn: [], decidedAt: null });
  actor.hear(fact("Create", 0));
  expect(ground()).toEqual({ basedOn: [], decidedAt: at(0) });
  actor.pass(60);
  expect(ground()).toEqual({ basedOn: [], decidedAt: at(30) });
  actor.hear(fact("Pay", 20));
  expect(ground()).toEqual({ basedOn: ["Pay-1"], decidedAt: at(20) });
});

it("grounds told again are told from the last fact on", () => {
  const actor = new Hosted(ORDER);
  const grounding = createGrounding(concludeAt, actor.actor, { settled: undefined });
  const asked: (Place | undefined)[] = [];
  const ground = () =>
    grounding.ground(actor.timeline, (after) => {
      asked.push(after);
      return actor.facts;
    });
  actor.hear(fact("Create", 0), fact("Pay", 1));
  ground();
  actor.hear(fact("Ship", 2));
  expect(ground()).toEqual({ basedOn: ["Pay-1", "Ship-1"], decidedAt: at(2) });
  expect(asked.map((place) => place?.timestamp)).toEqual([undefined, at(1)]);
});

it("what an actor has heard in order since its first fact is not read to tell its grounds", () => {
  const live = startByEventTime(type, "it");
  const unread = () => {
    throw new Error("read");
  };
  for (const [index, name] of ["Create", "Pay", "Ship"].entries()) live.send(fact(name, index), unread);
  expect(live.grounds?.(unread)).toEqual({ basedOn: ["Pay-1", "Ship-1"], decidedAt: at(2) });
});

it("who comes back from a row reads nothing to tell the grounds of what it hears in order", () => {
  let live = startByEventTime(type, "it");
  const unread = () => {
    throw new Error("read");
  };
  for (const [index, name] of ["Create", "Pay", "Ship"].entries()) {
    live.send(fact(name, index), unread);
    live = restoreByEventTime(type, "it", JSON.parse(live.persist().snapshot), null) as typeof live;
  }
  expect(live.grounds?.(unread)).toEqual({ basedOn: ["Pay-1", "Ship-1"], decidedAt: at(2) });
});

it("of many facts what they rest on is not kept in a row: it is read", () => {
  const live = startByEventTime({ ...type, machine: LOG }, "it");
  const facts = Array.from({ length: 40 }, (_, index) => fact("Any", index, {}, `${index}`));
  const stored = facts.map((each, index) => {
    live.send(each, () => facts.slice(0, index));
    return JSON.parse(live.persist().snapshot);
  });
  expect(stored[15]).toHaveProperty("lastGrounds.basedOn.length", 16);
  expect(stored[16]).not.toHaveProperty("lastGrounds");
  const restored = restoreByEventTime({ ...type, machine: LOG }, "it", stored.at(-1), null);
  expect(restored?.grounds?.(() => facts)).toEqual(live.grounds?.(() => facts));
});

it("of a long replay no rule is asked of more than it takes to tell since when the same has followed", () => {
  let asked = 0;
  const counting: ActorType = {
    ...type,
    machine: LOG,
    conclude: ({ context }) => {
      asked++;
      return { content: { decisionType: String((context as { heard: string[] }).heard.length < 900) } };
    },
  };
  const live = startByEventTime(counting, "it");
  const facts = Array.from({ length: 1000 }, (_, index) => fact("Any", index + 1, {}, `${index}`));
  for (const [index, each] of facts.entries()) live.send(each, () => facts.slice(0, index));
  live.send(fact("Any", 0, {}, "late"), () => facts);
  asked = 0;
  const grounds = live.grounds?.(() => facts);
  expect(grounds).toMatchObject({ decidedAt: at(899) });
  expect(grounds?.basedOn).toHaveLength(100);
  expect(asked).toBeLessThan(120);
});

it("an actor's grounds told bit by bit are those told at once, in any order of arrival", () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = seededChoices(seed);
    const facts: ActorEvent[] = [];
    const past = () => random.shuffle(facts);
    const [often, once] = [startByEventTime(type, "it"), startByEventTime(type, "it")];
    for (let index = 0; index < 12; index++) {
      const second = random.chance(0.7) ? index * 10 : random.int(index * 10 + 1);
      const next = fact(random.pick(["Create", "Pay", "Ship"]), second, {}, `${index}`);
      const passed = random.chance(0.5) ? at(second + random.int(40)) : undefined;
      for (const live of [often, once]) {
        live.send(next, past);
        if (passed !== undefined) live.pass(passed);
      }
      facts.push(next);
      if (random.chance(0.7)) often.grounds?.(past);
    }
    const read = restoreByEventTime(type, "it", JSON.parse(once.persist().snapshot), null);
    for (const live of [often, once]) expect(live.grounds?.(past), `seed ${seed}`).toEqual(read?.grounds?.(past));
  }
});

it("a rule is asked once about an actor, by who decides and by the row that is written of it", () => {
  let asked = 0;
  const conclude: ActorType["conclude"] = (actor) => {
    asked++;
    return type.conclude(actor);
  };
  const live = startByEventTime({ ...type, conclude }, "it");
  for (const [index, name] of ["Create", "Pay", "Ship"].entries()) {
    live.send(fact(name, index), () => []);
    expect(live.conclude()).toBe(live.conclude());
    live.persist();
    expect(asked).toBe(index + 1);
  }
  live.rewind();
  expect(live.conclude()).toEqual({ content: { decisionType: "paid" } });
});
