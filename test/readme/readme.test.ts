import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { FAULTS } from "../faults/all.ts";
import { measured, PROMISES } from "./promises.ts";
import { place, readmeTables } from "./tables.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

it.each(Object.entries(readmeTables()))("the README's %s says what the code does (npm run readme)", (name, text) => {
  expect(readme).toBe(place(readme, name, text));
});

it("every command the README names is there", () => {
  const { scripts } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const named = [...readme.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name ?? "");
  expect(named.length).toBeGreaterThan(2);
  for (const name of named) expect(scripts, name).toHaveProperty(name);
});

it.each(PROMISES)("what shows the promise for the case that $when is there", ({ tests, faults }) => {
  expect(tests.length + faults.length).toBeGreaterThan(0);
  for (const [file, title] of tests) {
    expect(readFileSync(new URL(`../${file}`, import.meta.url), "utf8")).toMatch(
      new RegExp(`\\b(it|test)(\\.each\\([^)]*\\))?\\(\\s*["\`]${title}`),
    );
  }
});

it("every fault belongs to one promise, and was measured without a violation", () => {
  const names = FAULTS.map(({ name }) => name).sort();
  expect(PROMISES.flatMap(({ faults }) => faults).sort()).toEqual(names);
  const { outcomes } = measured();
  expect([...new Set(outcomes.map(({ fault }) => fault))].sort()).toEqual(names);
  expect(outcomes.filter(({ violations }) => violations.length > 0)).toEqual([]);
});
