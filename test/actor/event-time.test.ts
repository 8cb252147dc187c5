import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareTimestamps, normaliseTimestamp } from "../../src/actor/event-time.ts";

/** An instant as exact numbers, and one of the many ways to write it. */
interface Written {
  nanoseconds: bigint;
  text: string;
}

/** Instants from a narrow range, so that they often differ by less than a millisecond or not at all. */
const written: fc.Arbitrary<Written> = fc
  .record({
    second: fc.integer({ min: -2, max: 2 }),
    fraction: fc.oneof(fc.constantFrom("", "0", "5", "500", "123456789", "000000001"), digits(1, 9)),
    offsetMinutes: fc.integer({ min: -1439, max: 1439 }),
    style: fc.constantFrom("T", "t", " "),
    zulu: fc.constantFrom("Z", "z", "+00:00", "-00:00"),
  })
  .map(({ second, fraction, offsetMinutes, style, zulu }) => {
    // Around a leap day's midnight, where zones cross days, months and years of different lengths.
    const epochMs = Date.UTC(2028, 1, 29) + second * 1000;
    const wall = new Date(epochMs + offsetMinutes * 60_000).toISOString().slice(0, 19).replace("T", style);
    const size = Math.abs(offsetMinutes);
    const zone = `${offsetMinutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
    return {
      nanoseconds: BigInt(epochMs) * 1_000_000n + BigInt(fraction.padEnd(9, "0")),
      text: `${wall}${fraction === "" ? "" : `.${fraction}`}${offsetMinutes === 0 ? zulu : zone}`,
    };
  });

describe("a timestamp", () => {
  test("orders as its instant does, whatever its zone and precision", () => {
    fc.assert(
      fc.property(written, written, (a, b) => {
        const order = compareTimestamps(normalised(a.text), normalised(b.text));
        expect(Math.sign(order)).toBe(a.nanoseconds === b.nanoseconds ? 0 : a.nanoseconds < b.nanoseconds ? -1 : 1);
      }),
      { numRuns: 2000 },
    );
  });

  test("has one form per instant: UTC, milliseconds, finer digits without trailing zeros", () => {
    fc.assert(
      fc.property(written, ({ text, nanoseconds }) => {
        const form = normalised(text);
        expect(form).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\d{0,5}[1-9])?Z$/);
        expect(BigInt(Date.parse(form))).toBe(nanoseconds / 1_000_000n);
        expect(normaliseTimestamp(form)).toBe(form);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000Z"],
    ["2026-01-01T10:00:00.1Z", "2026-01-01T10:00:00.100Z"],
    ["2026-01-01T10:00:00.0000001Z", "2026-01-01T10:00:00.0000001Z"],
    ["2026-01-01T10:00:00.123400000Z", "2026-01-01T10:00:00.1234Z"],
    ["2026-01-01t10:00:00z", "2026-01-01T10:00:00.000Z"],
    ["2026-01-01 10:00:00+00:00", "2026-01-01T10:00:00.000Z"],
    ["2026-01-01T00:30:00+02:00", "2025-12-31T22:30:00.000Z"],
    ["2025-12-31T23:30:00.5-00:45", "2026-01-01T00:15:00.500Z"],
    ["2028-02-29T00:00:00+14:00", "2028-02-28T10:00:00.000Z"],
    ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"],
  ])("%s is %s", (text, expected) => {
    expect(normaliseTimestamp(text)).toBe(expected);
  });

  test("in its normal form is a time that exists, for each day of a leap year and a common one", () => {
    for (const year of ["2000", "2027", "2028", "2100"]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const text = `${year}-${pad(month)}-${pad(day)}T23:59:59.999Z`;
          const ms = Date.parse(text);
          const exists = !Number.isNaN(ms) && new Date(ms).toISOString() === text;
          expect(normaliseTimestamp(text), text).toBe(exists ? text : null);
        }
      }
    }
  });

  test("finer than a nanosecond is cut off, not rounded", () => {
    expect(normaliseTimestamp("2026-01-01T10:00:00.9999999999Z")).toBe("2026-01-01T10:00:00.999999999Z");
  });
});

describe("what is no timestamp", () => {
  test.each([
    ["without a zone", "2026-01-01T10:00:00"],
    ["a date alone", "2026-01-01"],
    ["without seconds", "2026-01-01T10:00Z"],
    ["31 February", "2026-02-31T10:00:00Z"],
    ["31 February in a zone", "2026-02-31T10:00:00+02:00"],
    ["29 February of a common year, which some zones would make 28 February", "2026-02-29T00:30:00+01:00"],
    ["month 13", "2026-13-01T10:00:00+02:00"],
    ["day 0", "2026-01-00T10:00:00Z"],
    ["hour 24", "2026-01-01T24:00:00Z"],
    ["hour 24 in a zone", "2026-01-01T24:00:00+02:00"],
    ["minute 60", "2026-01-01T10:60:00Z"],
    ["a leap second", "2016-12-31T23:59:60Z"],
    ["a zone 24 hours off", "2026-01-01T10:00:00+24:00"],
    ["a zone 60 minutes off", "2026-01-01T10:00:00+01:60"],
    ["a zone without a colon", "2026-01-01T10:00:00+0200"],
    ["a zone's name", "2026-01-01T10:00:00 CET"],
    ["an instant before year 0", "0000-01-01T00:00:00+02:00"],
    ["an instant after year 9999", "9999-12-31T23:59:59-02:00"],
    ["an expanded year", "+002026-01-01T10:00:00Z"],
    ["a fraction without digits", "2026-01-01T10:00:00.Z"],
    ["a comma", "2026-01-01T10:00:00,5Z"],
    ["space around it", " 2026-01-01T10:00:00Z"],
    ["a line end", "2026-01-01T10:00:00Z\n"],
    ["a thousand digits", `2026-01-01T10:00:00.${"1".repeat(1000)}Z`],
    ["other digits", "２０２６-01-01T10:00:00Z"],
    ["milliseconds since 1970", "1767261600000"],
    ["nothing", ""],
  ])("%s is refused", (_, text) => {
    expect(normaliseTimestamp(text)).toBeNull();
  });

  test("any text is refused or normalised, never an error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), digits(1, 70)), (text) => {
        const form = normaliseTimestamp(text);
        expect(form === null || normaliseTimestamp(form) === form).toBe(true);
      }),
    );
  });
});

function normalised(text: string): string {
  const form = normaliseTimestamp(text);
  if (form === null) throw new Error(`refused: ${text}`);
  return form;
}

function digits(minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(..."0123456789"), minLength, maxLength });
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
