import fc from "fast-check";
import { expect, it } from "vitest";
import { storedAtNanos, storedAtText } from "../../src/jetstream/stored-message.ts";

it("a message has one time, however it was read", () => {
  const nanoseconds = fc.bigInt({ min: 1_500_000_000_000_000_000n, max: 2_200_000_000_000_000_000n });
  const nearAnEnd = nanoseconds.map((nanos) => (nanos / 1_000_000n) * 1_000_000n + 999_900n + (nanos % 100n));
  fc.assert(
    fc.property(fc.oneof(nanoseconds, nearAnEnd), (nanos) => {
      const text = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
      const fraction = (nanos % 1_000_000_000n).toString().padStart(9, "0").replace(/0+$/, "");
      const timestamp = `${text}${fraction === "" ? "" : `.${fraction}`}Z`;
      // As the client reads a delivery's.
      expect(storedAtText(timestamp)).toBe(storedAtNanos(Number.parseInt(nanos.toString(), 10)));
    }),
    { numRuns: 2000 },
  );
});

it("is in ms", () => {
  expect(storedAtText("2026-11-23T09:22:27.351544967Z")).toBe(Date.parse("2026-11-23T09:22:27.351Z"));
  expect(storedAtText("2026-11-23T09:22:27Z")).toBe(Date.parse("2026-11-23T09:22:27Z"));
});
