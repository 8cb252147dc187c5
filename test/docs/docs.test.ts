import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { projectFiles } from "../../src/cli/project-files.ts";
import { startCli } from "../e2e/cli-run.ts";
import { FAULTS } from "../faults/all.ts";
import { measured, PROMISES } from "./promises.ts";
import { pageOf, place, readPages, tables } from "./tables.ts";

const pages = readPages();

it.each(Object.entries(tables()))("%s in the docs says what the code does (npm run docs)", (name, text) => {
  const page = pages.get(pageOf(pages, name)) ?? "";
  expect(page).toBe(place(page, name, text));
});

it("the README is for someone who has five minutes", () => {
  expect(Buffer.byteLength(pages.get("README.md") ?? "")).toBeLessThan(10_240);
});

const commands = startCli(["--help"], {}).ran.then(({ stdout }) => {
  const [, listed = ""] = /\nCommands:\n([\s\S]*?)\n\n/.exec(stdout) ?? [];
  return [...listed.matchAll(/^ {2}([a-z][a-z-]+)/gm)].map(([, name = ""]) => name);
});

it.each([...pages])("%s names scripts, commands, files and headings that are there", async (path, page) => {
  const own = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  // Pages for authors are about the project that `natstate init` writes.
  const project = projectFiles({ dir: "seats", example: "booking", natstate: "*" }).get("package.json") ?? "";
  const scripts = { ...JSON.parse(project).scripts, ...own.scripts };
  const known = await commands;
  for (const [, name] of page.matchAll(/npx natstate ([a-z][a-z-]*)/g)) expect(known).toContain(name);
  for (const [, name] of page.matchAll(/npm run ([a-z:-]+)/g)) expect(scripts).toHaveProperty([name ?? ""]);
  for (const [, link = ""] of page.matchAll(/(?:\]\(|src=")([^)\s"]+)/g)) {
    if (/^https?:/.test(link)) continue;
    const [file, heading] = link.split("#");
    const target = join(dirname(path), file || basename(path));
    expect(existsSync(new URL(`../../${target}`, import.meta.url)), link).toBe(true);
    if (heading !== undefined) expect(headingsOf(pages.get(target) ?? ""), link).toContain(heading);
  }
});

it.each([...pages.keys()].filter((path) => path.startsWith("docs/")))("%s is found from the README", (path) => {
  expect(pages.get("README.md")).toContain(`](${path})`);
});

function headingsOf(page: string): string[] {
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) => text.toLowerCase());
  return headings.map((text) => text.replace(/[^\w -]/g, "").replaceAll(" ", "-"));
}

it.each(PROMISES)("what shows the promise for the case that $when is there", ({ tests, faults }) => {
  expect(tests.length + faults.length).toBeGreaterThan(0);
  for (const [file, title] of tests) {
    expect(readFileSync(new URL(`../${file}`, import.meta.url), "utf8")).toMatch(
      new RegExp(`^ *(it|test)(\\.each\\([^)]*\\))?\\(\\s*["\`]${title}`, "m"),
    );
  }
});

it("every fault belongs to one promise, and the report that the docs show is of every one and has no violation", () => {
  const names = FAULTS.map(({ name }) => name).sort();
  expect(PROMISES.flatMap(({ faults }) => faults).sort()).toEqual(names);
  const { outcomes } = measured();
  expect([...new Set(outcomes.map(({ fault }) => fault))].sort()).toEqual(names);
  expect(outcomes.filter(({ violations }) => violations.length > 0)).toEqual([]);
});
