import { expect, it } from "vitest";
import { createSleepWatch } from "../../src/jetstream/sleep-watch.ts";

it("asleep is who finds either clock far ahead; who looks twice has slept once", () => {
  const ms = { wall: 0, monotonic: 0 };
  const watch = createSleepWatch(
    () => ms.wall,
    () => ms.monotonic,
  );
  ms.wall += 9000;
  ms.monotonic += 9000;
  expect(watch.naps()).toBe(0);
  ms.wall += 11_000;
  expect([watch.naps(), watch.naps()]).toEqual([1, 1]);
  ms.monotonic += 11_000;
  expect(watch.naps()).toBe(2);
  ms.wall -= 3_600_000;
  expect(watch.naps()).toBe(2);
  watch.stop();
});
