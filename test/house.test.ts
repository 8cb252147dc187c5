import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

/* The linter keeps the arrows between the rooms one way (docs/design.md): what it does not notice is no rule. */

const ROOT = join(import.meta.dirname, "..");
const house = mkdtempSync(join(tmpdir(), "natstate-house-"));
cpSync(join(ROOT, ".biome.json"), join(house, ".biome.json"));
afterAll(() => rmSync(house, { recursive: true }));

/** What the linter says of a house that has these files, and what else they import. */
function lint(files: Readonly<Record<string, string>>): string {
  rmSync(join(house, "src"), { recursive: true, force: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(house, file, ".."), { recursive: true });
    writeFileSync(join(house, file), text);
  }
  const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
  const args = [biome, "lint", "--config-path=.biome.json", "--vcs-enabled=false", "src", "machines"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: house, encoding: "utf8" });
  return stdout + stderr;
}

const importing = (path: string) => `import { thing } from "${path}";\n\nexport const own = thing;\n`;
const THING = "export const thing = 1;\n";

it.each([
  ["src/flow/wrong.ts", "../jetstream/names.ts"],
  ["src/flow/wrong.ts", "../store/journal.ts"],
  ["src/flow/wrong.ts", "../config/config.ts"],
  ["src/actor/wrong.ts", "../wire/names.ts"],
  ["src/wire/wrong.ts", "../jetstream/session.ts"],
  ["src/answers/wrong.ts", "../store/queries.ts"],
  ["src/charts/wrong.ts", "../flow/decode.ts"],
  ["src/config/wrong.ts", "../actor/actor-type.ts"],
  ["src/nats-server/wrong.ts", "../jetstream/session.ts"],
  ["src/daemon/wrong.ts", "../cli/output.ts"],
  ["src/store/wrong.ts", "../jetstream/names.ts"],
  ["src/store/wrong.ts", "../actor/interpreter.ts"],
  ["src/store/wrong.ts", "../answers/replay.ts"],
  ["src/store/wrong.ts", "../flow/hot-actors.ts"],
  ["src/jetstream/wrong.ts", "../store/journal.ts"],
  ["src/console/wrong.ts", "../store/journal.ts"],
  ["src/ops/wrong.ts", "../jetstream/names.ts"],
  ["src/care/wrong.ts", "../cli/output.ts"],
  ["src/client/wrong.ts", "../daemon/daemon.ts"],
  ["src/client/wrong.ts", "../../machines/order/contract.ts"],
  ["src/demo/wrong.ts", "../../machines/order/contract.ts"],
  ["src/cli/wrong.ts", "../../machines/order/contract.ts"],
  ["machines/wrong.ts", "../src/flow/decode.ts"],
  ["machines/parcel/wrong.ts", "../../src/client/contract.ts"],
  ["machines/parcel/client.ts", "../../src/wire/names.ts"],
])("%s may not import %s", (file, path) => {
  const other = join(file, "..", path);
  expect(lint({ [file]: importing(path), [other]: THING, "machines/other.ts": THING })).toContain(
    "noRestrictedImports",
  );
  rmSync(join(house, "machines"), { recursive: true });
});

it("may import what is below it, and not in a circle", () => {
  const below = {
    "src/store/right.ts": importing("../flow/a.ts"),
    "src/demo/right.ts": importing("../../machines/registry.ts"),
    "machines/registry.ts": THING,
    "machines/parcel/client.ts": importing("../../src/client/contract.ts"),
    "src/client/contract.ts": THING,
  };
  expect(lint({ ...below, "src/flow/a.ts": THING })).toContain("No fixes applied");
  const circle = {
    "src/flow/a.ts": 'import type { B } from "./b.ts";\n\nexport type A = B | 1;\n',
    "src/flow/b.ts": 'import type { A } from "./a.ts";\n\nexport type B = A | 2;\n',
  };
  expect(lint({ ...below, ...circle })).toContain("noImportCycles");
});

it.each([
  ["a file of 301 lines", "noExcessiveLinesPerFile", "export const a = 1;\n".repeat(301)],
  ["a function of 61", "noExcessiveLinesPerFunction", `export function f() {\n${"  f();\n".repeat(61)}}\n`],
  ["five parameters", "useMaxParams", "export const f = (a: 1, b: 1, c: 1, d: 1, e: 1) => [a, b, c, d, e];\n"],
])("%s are too many", (_what, rule, text) => {
  expect(lint({ "src/flow/long.ts": text, "machines/other.ts": THING })).toContain(rule);
});
