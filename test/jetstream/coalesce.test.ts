import { expect, it } from "vitest";
import { coalesce } from "../../src/jetstream/coalesce.ts";

/** Rounds that end when they are told to. */
function open() {
  const rounds: { readonly items: readonly string[]; readonly end: () => void; readonly fail: () => void }[] = [];
  const ask = coalesce<string>(
    (items) =>
      new Promise((resolve, reject) => {
        rounds.push({ items, end: resolve, fail: () => reject(new Error("away")) });
      }),
  );
  return { rounds, ask, begun: () => new Promise((resolve) => setImmediate(resolve)) };
}

it("who asks while a round is under way is in the next one, with all others that do", async () => {
  const { rounds, ask, begun } = open();
  const first = [ask(["a"]), ask(["b", "a"])];
  await begun();
  expect(rounds.map(({ items }) => items)).toEqual([["a", "b"]]);
  let isDone = false;
  const second = [ask(["a"]), ask(["c"])];
  void Promise.all(second).then(() => {
    isDone = true;
  });
  await begun();
  expect(rounds).toHaveLength(1);
  rounds[0]?.end();
  await Promise.all(first);
  await begun();
  expect(rounds.map(({ items }) => items)).toEqual([
    ["a", "b"],
    ["a", "c"],
  ]);
  expect(isDone).toBe(false);
  rounds[1]?.end();
  await Promise.all(second);
});

it("a round that fails fails for those who asked for it, and the next one goes on", async () => {
  const { rounds, ask, begun } = open();
  const first = ask(["a"]).catch((error: Error) => error.message);
  await begun();
  const second = ask(["b"]);
  rounds[0]?.fail();
  expect(await first).toBe("away");
  await begun();
  rounds[1]?.end();
  await second;
});
