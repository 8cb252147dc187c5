import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("the docs say of every dependency what it is for, and of no other", () => {
  const section = /## Dependencies\n([\s\S]*?)\n##/.exec(read("docs/design.md"))?.[1] ?? "";
  const cells = [...section.matchAll(/^\| (`.*?`) \| /gm)].map(([, cell]) => cell ?? "");
  const named = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ""));
  const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
  const isMeant = (name: string, by: string) => name === by || (by.endsWith("/*") && name.startsWith(by.slice(0, -1)));
  const installed = Object.keys(dependencies);
  expect(installed.filter((name) => !named.some((by) => isMeant(name, by)))).toEqual([]);
  expect(named.filter((by) => !installed.some((name) => isMeant(name, by)))).toEqual([]);
});

it("every version is exact, so that no install brings another", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect(version, name).toMatch(/^(npm:[\w-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/);
  }
});
