import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
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
