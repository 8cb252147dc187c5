import fc from "fast-check";
import { expect, it } from "vitest";
import { addDelay } from "../../../src/flow/hosts/due-time.ts";

it("adds a delay to a time, nanoseconds kept", () => {
  expect(addDelay("2026-01-01T00:00:00.000Z", 1500)).toBe("2026-01-01T00:00:01.500Z");
  expect(addDelay("2026-01-01T00:00:00.9999999Z", 0.0001)).toBe("2026-01-01T00:00:01.000Z");
  expect(addDelay("2026-01-01T00:00:00.000000001Z", 1000)).toBe("2026-01-01T00:00:01.000000001Z");
  expect(addDelay("9999-12-31T23:59:59.999Z", 0)).toBe("9999-12-31T23:59:59.999Z");
  expect(addDelay("9999-12-31T23:59:59.999Z", 1)).toBeUndefined();
  expect(addDelay("9999-12-31T23:59:59.9999Z", 0.1)).toBeUndefined();
  expect(addDelay("2026-01-01T00:00:00.000Z", 1e300)).toBeUndefined();
});

it("adds as whole numbers do", () => {
  const nanos = fc.bigInt(0n, 4_000_000_000n * 1_000_000_000n);
  fc.assert(
    fc.property(nanos, fc.nat({ max: 2 ** 31 - 1 }), fc.integer({ min: 0, max: 7 }), (start, wholeMs, eighths) => {
      const delay = BigInt(wholeMs) * 1_000_000n + BigInt(eighths) * 125_000n;
      expect(addDelay(text(start), wholeMs + eighths / 8)).toBe(text(start + delay));
    }),
  );
});

function text(nanos: bigint): string {
  const iso = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 20);
  return `${iso}${String(nanos % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "")
    .padEnd(3, "0")}Z`;
}
