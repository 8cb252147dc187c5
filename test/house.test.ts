import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

/* The linter keeps the arrows between the rooms one way (docs/design.md): what it does not notice is no rule. */

const ROOT = join(import.meta.dirname, "..");

/** What the linter says of a house that has these files, by file. One run of it takes a second. */
function lint(files: Readonly<Record<string, string>>): Map<string, string[]> {
  const house = mkdtempSync(join(tmpdir(), "natstate-house-"));
  cpSync(join(ROOT, ".biome.json"), join(house, ".biome.json"));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(house, file, ".."), { recursive: true });
    writeFileSync(join(house, file), text);
  }
  const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
  const args = [
    "lint",
    "--config-path=.biome.json",
    "--vcs-enabled=false",
    "--max-diagnostics=none",
    "--reporter=json",
  ];
  const { stdout } = spawnSync(process.execPath, [biome, ...args, "src", "machines", "examples"], {
    cwd: house,
    encoding: "utf8",
  });
  rmSync(house, { recursive: true });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string; location: { path: string } }[] };
  const byFile = Map.groupBy(diagnostics, ({ location }) => location.path);
  return new Map([...byFile].map(([file, said]) => [file, said.map(({ category }) => category)]));
}

const importing = (path: string) => `import { thing } from "${path}";\n\nexport const own = thing;\n`;
const THING = "export const thing = 1;\n";

const WRONG: readonly (readonly [file: string, path: string])[] = [
  ["src/flow/wrong-1.ts", "../jetstream/names.ts"],
  ["src/flow/wrong-2.ts", "../store/journal.ts"],
  ["src/flow/wrong-3.ts", "../config/config.ts"],
  ["src/actor/wrong-4.ts", "../wire/names.ts"],
  ["src/wire/wrong-5.ts", "../jetstream/session.ts"],
  ["src/answers/wrong-6.ts", "../store/queries.ts"],
  ["src/charts/wrong-7.ts", "../flow/decode.ts"],
  ["src/config/wrong-8.ts", "../actor/actor-type.ts"],
  ["src/nats-server/wrong-9.ts", "../jetstream/session.ts"],
  ["src/daemon/wrong-10.ts", "../cli/output.ts"],
  ["src/store/wrong-11.ts", "../jetstream/names.ts"],
  ["src/store/wrong-12.ts", "../flow/hosts/host.ts"],
  ["src/store/wrong-13.ts", "../answers/replay.ts"],
  ["src/store/wrong-14.ts", "../flow/hot-actors.ts"],
  ["src/jetstream/wrong-15.ts", "../store/journal.ts"],
  ["src/console/wrong-16.ts", "../store/journal.ts"],
  ["src/ops/wrong-17.ts", "../jetstream/names.ts"],
  ["src/care/wrong-18.ts", "../cli/output.ts"],
  ["src/client/wrong-19.ts", "../daemon/daemon.ts"],
  ["src/client/wrong-20.ts", "../../machines/order/contract.ts"],
  ["src/demo/wrong-21.ts", "../../machines/order/contract.ts"],
  ["src/cli/wrong-22.ts", "../../machines/order/contract.ts"],
  ["machines/wrong-23.ts", "../src/flow/decode.ts"],
  ["machines/parcel/wrong-24.ts", "../../src/client/contract.ts"],
  ["machines/parcel/client.ts", "../../src/wire/names.ts"],
  ["examples/parcel/wrong-25.ts", "../../src/flow/decode.ts"],
  ["src/testing/wrong-27.ts", "../store/journal.ts"],
  ["src/answers/wrong-28.ts", "../testing/given.ts"],
  ["examples/parcel/wrong-29.ts", "../../src/testing/arrivals.ts"],
  ["src/jetstream/wrong-30.ts", "../members/membership.ts"],
  ["src/members/wrong-31.ts", "../daemon/daemon.ts"],
  ["src/members/wrong-32.ts", "../console/server.ts"],
  ["src/daemon/wrong-33.ts", "../supervisor/supervisor.ts"],
  ["src/supervisor/wrong-34.ts", "../members/membership.ts"],
  ["examples/parcel/wrong-26.ts", "../../machines/order/contract.ts"],
];
const LONG: readonly (readonly [what: string, file: string, rule: string, text: string])[] = [
  ["a file of 301 lines", "src/flow/file.ts", "style/noExcessiveLinesPerFile", "export const a = 1;\n".repeat(301)],
  [
    "a function of 61",
    "src/flow/function.ts",
    "complexity/noExcessiveLinesPerFunction",
    `export function f() {\n${"  f();\n".repeat(61)}}\n`,
  ],
  [
    "five parameters",
    "src/flow/parameters.ts",
    "complexity/useMaxParams",
    "export const f = (a: 1, b: 1, c: 1, d: 1, e: 1) => [a, b, c, d, e];\n",
  ],
];

const planted = lint({
  ...Object.fromEntries(WRONG.map(([file, path]) => [join(file, "..", path), THING])),
  ...Object.fromEntries(WRONG.map(([file, path]) => [file, importing(path)])),
  ...Object.fromEntries(LONG.map(([, file, , text]) => [file, text])),
});

it.each(WRONG)("%s may not import %s", (file) => {
  expect(planted.get(file)).toContain("lint/style/noRestrictedImports");
});

it.each(LONG)("%s are too many", (_what, file, rule) => {
  expect(planted.get(file)).toContain(`lint/${rule}`);
});

it("may import what is below it, and not in a circle", () => {
  const below = {
    "src/store/right.ts": importing("../flow/a.ts"),
    "src/demo/right.ts": importing("../../machines/registry.ts"),
    "machines/registry.ts": THING,
    "machines/parcel/client.ts": importing("../../src/client/contract.ts"),
    "examples/parcel/right.ts": importing("natstate"),
    "src/actor/as-error.ts": THING,
    "examples/parcel/tested.ts": importing("natstate/testing"),
    "src/testing/testing.ts": importing("../flow/a.ts"),
    "src/care/right.ts": importing("../testing/testing.ts"),
    "src/client/contract.ts": THING,
    "src/members/right.ts": importing("../flow/a.ts"),
    "src/console/right.ts": importing("../members/right.ts"),
  };
  expect(lint({ ...below, "src/flow/a.ts": THING })).toEqual(new Map());
  const circle = {
    "src/flow/a.ts": 'import type { B } from "./b.ts";\n\nexport type A = B | 1;\n',
    "src/flow/b.ts": 'import type { A } from "./a.ts";\n\nexport type B = A | 2;\n',
  };
  expect(lint({ ...below, ...circle }).get("src/flow/a.ts")).toContain("lint/suspicious/noImportCycles");
});

it("no file of ours has more than 300 lines, comments included: the linter counts code alone", () => {
  const files = globSync("{src,machines,test,examples}/**/*.{ts,js,css}", { cwd: ROOT });
  const linesOf = (file: string) => readFileSync(join(ROOT, file), "utf8").trimEnd().split("\n").length;
  expect(files.length).toBeGreaterThan(500);
  expect(files.filter((file) => linesOf(file) > 300)).toEqual([]);
});
