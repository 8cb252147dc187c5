import { expect, it, onTestFinished } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createAnswers } from "../../src/answers/answers.ts";
import { findActor, type Whereabouts } from "../../src/answers/find-actor.ts";
import { createRelease, release } from "../../src/care/release.ts";
import { askForLane, givingOf } from "../../src/daemon/keeping-alike.ts";
import { atOnce, inOne } from "../../src/flow/pieces.ts";
import { answerYields } from "../../src/members/yielding.ts";
import { openQueries } from "../../src/store/queries.ts";
import { daemonSubject } from "../../src/wire/names.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation, type Station } from "../flow/station.ts";
import { session, usePublishing } from "../jetstream/publishing.ts";

usePublishing();

/* What becomes of a release in the moment in which its partition is given to another daemon. */

/** A daemon that has quarantined these; its rule is mended since. */
function openQuarantined(ids = ["a", "b"]) {
  const station = openStation();
  onTestFinished(station[Symbol.dispose]);
  let isBroken = true;
  const type: ActorType = {
    ...(orderType as ActorType),
    conclude(actor) {
      if (isBroken) throw new Error("not yet");
      return orderType.conclude(actor as Parameters<typeof orderType.conclude>[0]);
    },
  };
  const lane = { ...orderLane, type };
  for (const [index, id] of ids.entries()) {
    station.processor.apply([orderEvent(index + 1, id, "PaymentProcessed", { second: 1, lane })]);
  }
  const setBroken = (value: boolean) => {
    isBroken = value;
  };
  setBroken(false);
  return { ...station, lane, setBroken };
}

const quarantined = ({ db }: Pick<Station, "db">) =>
  db.prepare("SELECT actor_id FROM quarantine ORDER BY actor_id").pluck().all();

/** What a daemon that holds the lane, or does not, answers to who asks for it. */
function hold(
  holder: ReturnType<typeof openQuarantined>,
  id: string,
  { isHeld = true, warned = [] }: { readonly isHeld?: boolean; readonly warned?: unknown[] } = {},
): void {
  const give = givingOf({
    store: holder,
    own: { taken: () => (isHeld ? [holder.lane] : []) },
    reading: { ownership: { yield: async () => true } },
    logger: { warn: (...told: unknown[]) => warned.push(told) },
  } as unknown as Parameters<typeof givingOf>[0]);
  const answer: Parameters<typeof answerYields>[0]["answer"] = (question, take) =>
    void session.nc.subscribe(daemonSubject(id, question), { callback: (_, message) => void take(message) });
  answerYields({ answer }, [holder.lane], give);
}

async function ask(copy: ReturnType<typeof openQuarantined>, holder: string) {
  const queries = openQueries(copy.file);
  onTestFinished(queries.close);
  const parts = {
    store: { ...copy, queries: createAnswers(queries) },
    connection: { session },
    path: { followed: { processor: copy.processor, committed() {} } },
  };
  return askForLane(parts as unknown as Parameters<typeof askForLane>[0], holder, copy.lane);
}

it("what its holder has released just before takes effect with who is given the lane", async () => {
  const [holder, copy] = [openQuarantined(), openQuarantined()];
  hold(holder, "holder");
  release(holder.journal, holder.processor, holder.lane, "a");
  expect(await ask(copy, "holder")).toBe("yielded");
  expect(quarantined(copy)).toEqual(["b"]);
  expect(copy.row("a")).toMatchObject({ events: 1 });
});

it("an actor is told that is called as the answer begins", async () => {
  const [holder, copy] = [openQuarantined(["yielded-1"]), openQuarantined(["yielded-1"])];
  hold(holder, "wordy");
  release(holder.journal, holder.processor, holder.lane, "yielded-1");
  expect(await ask(copy, "wordy")).toBe("yielded");
  expect(quarantined(copy)).toEqual([]);
});

it("so it is of more than one question may name, of which each fits a message of 64 KiB", async () => {
  const ids = Array.from({ length: 900 }, (_, index) => String(1000 + index).padEnd(128, "x"));
  const [holder, copy] = [openQuarantined(ids), openQuarantined(ids)];
  const bytes: number[] = [];
  session.nc.subscribe(daemonSubject("large", "yield"), {
    callback: (_, message) => void bytes.push(message.data.length),
  });
  hold(holder, "large");
  const released = [0, 399, 400, 799, 899].map((index) => ids[index] ?? "");
  for (const id of released) release(holder.journal, holder.processor, holder.lane, id);
  expect(await ask(copy, "large")).toBe("yielded");
  expect(quarantined(copy)).toEqual(ids.filter((id) => !released.includes(id)));
  expect(bytes).toHaveLength(3);
  expect(Math.max(...bytes)).toBeLessThan(65_536);
});

it("who gives a lane and then says no more has given it", async () => {
  const ids = Array.from({ length: 401 }, (_, index) => `o-${index}`);
  const copy = openQuarantined(ids);
  let asked = 0;
  session.nc.subscribe(daemonSubject("brief", "yield"), {
    callback: (_, message) => void message.respond(asked++ === 0 ? 'yielded["o-0"]' : "refused"),
  });
  expect(await ask(copy, "brief")).toBe("yielded");
  expect(asked).toBe(2);
  expect(quarantined(copy)).toHaveLength(400);
});

it("who did not hold the lane, or is a natstate of before, says nothing of it", async () => {
  const [other, copy] = [openQuarantined(), openQuarantined()];
  hold(other, "other", { isHeld: false });
  release(other.journal, other.processor, other.lane, "a");
  expect(await ask(copy, "other")).toBe("yielded");
  session.nc.subscribe(daemonSubject("before", "yield"), { callback: (_, message) => void message.respond("yielded") });
  expect(await ask(copy, "before")).toBe("yielded");
  session.nc.subscribe(daemonSubject("busy", "yield"), { callback: (_, message) => void message.respond("refused") });
  expect(await ask(copy, "busy")).toBe("refused");
  expect(await ask(copy, "nobody")).toBe("absent");
  expect(quarantined(copy)).toEqual(["a", "b"]);
});

it("nobody is released but who was asked about, whoever is named", async () => {
  const copy = openQuarantined();
  const elsewhere = { ...copy.lane, partition: copy.lane.partition + 1 };
  copy.setBroken(true);
  copy.processor.apply([orderEvent(1, "c", "PaymentProcessed", { second: 1, lane: elsewhere })]);
  copy.setBroken(false);
  session.nc.subscribe(daemonSubject("careless", "yield"), {
    callback: (_, message) => void message.respond('yielded["b","c"]'),
  });
  expect(await ask(copy, "careless")).toBe("yielded");
  expect(quarantined(copy)).toEqual(["a", "c"]);
});

it("a holder whose store fails refuses, and says why", async () => {
  const [holder, copy] = [openQuarantined(), openQuarantined()];
  const warned: unknown[] = [];
  hold(holder, "failing", { warned });
  holder.db.exec("ALTER TABLE quarantine RENAME TO away");
  expect(await ask(copy, "failing")).toBe("refused");
  expect(warned).toHaveLength(1);
});

it.each([
  ["was given away meanwhile is left to who has it now", ["here", "elsewhere"], { kind: "elsewhere" }],
  ["is not ready yet is to be tried again", ["catching_up", "catching_up"], { kind: "not_yet" }],
] as const)("a release whose lane %s", (_, [first, then], expected) => {
  const { journal, processor, lane, db } = openQuarantined();
  let where: Whereabouts = first;
  const places = { whereabouts: () => where, pastOf: () => undefined, retired: () => undefined };
  const releasing = createRelease({ journal, processor, laneOf: () => lane, isOurs: () => false, onCommitted() {} });
  const finding = findActor(
    places,
    { type: lane.type, actorId: "a", quoted: '"a"' },
    inOne(() => {
      where = then;
      return releasing(lane.type, "a");
    }),
  );
  expect(atOnce(finding)).toMatchObject(expected);
  expect(quarantined({ db })).toEqual(["a", "b"]);
});
