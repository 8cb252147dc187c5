import { expect, it } from "vitest";
import { glanceAtHistory, readActorHistory } from "../../src/jetstream/actor-history.ts";
import { lane, session, useLane } from "./lane-reading.ts";

useLane();

it("at a glance an actor's history is the same as when it is read the sure way: all its subjects, in stream order, no other's", async () => {
  const { js, jsm } = session;
  for (const subject of ["one.Second", "one.First", "another.First", "one.Second", "one.Third", "one.First"]) {
    await js.publish(`orders.${subject}`, `{}`);
  }
  const both = async (id: string, upTo: number) => {
    const histories = await Promise.all([readActorHistory, glanceAtHistory].map((read) => read(jsm, lane, id, upTo)));
    return histories.map(({ deliveries }) => deliveries.map(({ sequence, subject }) => [sequence, subject]));
  };
  const [sure, glance] = await both("one", Number.POSITIVE_INFINITY);
  expect(sure).toHaveLength(5);
  expect(glance).toEqual(sure);
  const upTo = Number(sure?.[2]?.[0]);
  expect(await both("one", upTo)).toEqual([sure?.slice(0, 3), sure?.slice(0, 3)]);
  expect(await both("nobody", Number.POSITIVE_INFINITY)).toEqual([[], []]);
});
