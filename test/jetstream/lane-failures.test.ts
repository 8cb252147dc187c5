import { expect, it } from "vitest";
import { NatsSetupError } from "../../src/jetstream/connect.ts";
import { createLaneFailures } from "../../src/jetstream/lane-failures.ts";

function open() {
  let nowMs = 0;
  const failures = createLaneFailures({ now: () => nowMs, after: () => () => {} });
  const fail = (error: Error = new Error("away")) => {
    failures.failed(error);
    return failures.nextDelayMs();
  };
  return { failures, fail, pass: (ms: number) => (nowMs += ms) };
}

it("is tried again at once, then ever later, up to 2 s, and anew after it was read", () => {
  const { failures, fail } = open();
  expect([fail(), fail(), fail(), fail(), fail()]).toEqual([50, 250, 1000, 2000, 2000]);
  failures.forget();
  expect(fail()).toBe(50);
});

it("one failure is told when it was not read for 3 s, the third at once, until it is read", () => {
  const { failures, fail, pass } = open();
  fail();
  expect(failures.told()).toBeUndefined();
  pass(3001);
  expect(failures.told()).toBe("away");
  failures.forget();
  expect(failures.told()).toBeUndefined();
  failures.ended();
  fail();
  fail();
  expect(failures.told()).toBeUndefined();
  fail();
  expect(failures.told()).toBe("away");
  failures.forget();
  expect(failures.told()).toBeUndefined();
});

it("what only a person can change is told at once", () => {
  const { failures, fail } = open();
  fail(new NatsSetupError("the consumer is not as configured"));
  expect(failures.told()).toBe("the consumer is not as configured");
});
