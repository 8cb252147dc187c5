import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";
import { loadActorTypes } from "../../src/cli/load-actor-types.ts";
import { runCli } from "../e2e/cli-run.ts";

const dir = mkdtempSync(join(tmpdir(), "natstate-actors-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const EXAMPLE = "examples/checkout/actors.ts";
const namesOf = async (args: string[], env: Record<string, string> = {}) =>
  (await loadActorTypes(args, env)).map(({ name }) => name);

it("the command line goes before the environment, and that before the bundled type", async () => {
  expect(await namesOf(["start"])).toEqual(["order"]);
  expect(await namesOf(["start"], { NATSTATE_ACTORS: EXAMPLE })).toEqual(["checkout"]);
  const env = { NATSTATE_ACTORS: join(dir, "nothing.ts") };
  expect(await namesOf(["start", "--no-wait", "--actors", EXAMPLE], env)).toEqual(["checkout"]);
  expect(await namesOf(["get", "my-1", "--json", `--actors=${EXAMPLE}`], env)).toEqual(["checkout"]);
});

it("a command is then about those, and ends with 2 when it cannot have them", async () => {
  const [schema, none] = await Promise.all([
    runCli(["schema", "--actors", EXAMPLE], {}),
    runCli(["dead-letters", "list", "--actors", "nothing.ts"], {}),
  ]);
  expect(JSON.parse(schema.stdout)).toMatchObject({ $id: "urn:natstate:checkouts" });
  expect(none).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^natstate: --actors nothing.ts: .* is not there/),
  });
});

it("a module may also name them", async () => {
  expect(await namesOf([], { NATSTATE_ACTORS: "machines/registry.ts" })).toEqual(["order"]);
});

it("a module with one type need not make a list of it", async () => {
  const file = join(dir, "one.ts");
  writeFileSync(file, `import { checkout } from ${JSON.stringify(resolve(EXAMPLE))};\nexport default checkout;`);
  expect(await namesOf(["start", "--actors", file])).toEqual(["checkout"]);
});

it("a project's registry is found where one is, and goes before the bundled type", async () => {
  const project = mkdtempSync(join(dir, "project-"));
  const before = process.cwd();
  process.chdir(project);
  try {
    expect(await namesOf(["start"])).toEqual(["order"]);
    mkdirSync("machines");
    writeFileSync("machines/registry.js", `export { default } from ${JSON.stringify(resolve(before, EXAMPLE))};`);
    expect(await namesOf(["start"])).toEqual(["checkout"]);
    writeFileSync("machines/registry.ts", "export default [] as never;");
    await expect(namesOf(["start"])).rejects.toThrow(/^machines\/registry\.ts: machines\/registry\.ts:1: expected /);
  } finally {
    process.chdir(before);
  }
});

const LOADER = resolve("src/cli/load-actor-types.ts");
const ELEMENT =
  "{ name: 'a', collection: 'b', idField: 'c', events: {}, machine: { root: {} }, version: 1, states: [], decisionTypes: [], withdrawn: 'd', completeness() {}, view() {}, waitingFor() {}, conclude() {} }";

/** Each with what is said after the module's name. */
const TROUBLES: readonly (readonly [what: string, file: string, text: string, said: RegExp])[] = [
  [
    "throws",
    "throws.ts",
    "interface A {}\n\nthrow new Error('no luck');",
    / cannot be loaded: (.*)throws\.ts:3: no luck$/,
  ],
  ["throws in what it imports", "far.mjs", "import './throws.ts';", / cannot be loaded: .*throws\.ts:3: no luck$/],
  [
    "throws in natstate",
    "deep.mjs",
    `import { wholeNumber } from ${JSON.stringify(resolve("src/cli/arguments.ts"))};\n\nwholeNumber(1)('x');`,
    /deep\.mjs:3: Expected a whole number of at least 1\.$/,
  ],
  [
    "has a machine that leads nowhere",
    "nowhere.mjs",
    `import { createMachine } from ${JSON.stringify(resolve("node_modules/xstate/dist/xstate.esm.js"))};

createMachine({ initial: "a", states: { a: { initial: "b", states: { b: { on: { Go: "c" } } } } } });`,
    /nowhere\.mjs:3: Invalid transition definition/,
  ],
  ["throws no error", "text.mjs", "throw 'a text';", / cannot be loaded: .*text\.mjs: a text$/],
  ["is no TypeScript", "typed.ts", "const a = 1;\nconst b: = 2;", / cannot be loaded: .*typed\.ts:2: Unexpected token/],
  [
    "is no JavaScript",
    "plain.mjs",
    "const a = 1;\n\nconst b = ;",
    / cannot be loaded: .*plain\.mjs:3: Unexpected token/,
  ],
  [
    "uses what Node does not strip",
    "enum.ts",
    "\nenum A { B }",
    / cannot be loaded: .*enum\.ts:2: .*enum is not supported/,
  ],
  [
    "imports what is not exported",
    "name.mjs",
    "\nimport { x } from 'node:fs';",
    /name\.mjs:2: .* does not provide an export named 'x'$/,
  ],
  [
    "imports a file that is not there",
    "gone.mjs",
    "\n\nimport './nowhere.ts';",
    /gone\.mjs:3: Cannot find module '.*nowhere\.ts' imported/,
  ],
  [
    "imports a package that is not there",
    "package.mjs",
    "import 'node:fs';\nimport 'no-such-package';",
    /package\.mjs:2: Cannot find package 'no-such-package' imported/,
  ],
  [
    "exports no types",
    "none.mjs",
    "export const a = 1",
    /none\.mjs: expected a default export \(or actorTypes\) that is an array of actor types, or one alone$/,
  ],
  [
    "exports an empty array",
    "empty.mjs",
    "\nexport default []",
    /empty\.mjs:2: expected .* that is an array of actor types, or one alone$/,
  ],
  [
    "exports something else",
    "null.mjs",
    "\n\nexport default [null]",
    /null\.mjs:3: element 0 is no actor type: it is null$/,
  ],
  [
    "lacks a rule",
    "rule.mjs",
    `export const actorTypes = [${ELEMENT}, { ...${ELEMENT}, conclude: undefined }]`,
    /rule\.mjs:1: element 1 \(a\) is no actor type: it has no conclude; was it made with defineActor\?$/,
  ],
  [
    "has a rule that is none",
    "text-rule.mjs",
    `export default [{ ...${ELEMENT}, conclude: 'x' }]`,
    /text-rule\.mjs:1: element 0 \(a\) is no actor type: its conclude is no function$/,
  ],
  [
    "has a machine that is none",
    "config.mjs",
    `export default [{ ...${ELEMENT}, machine: {} }]`,
    /: its machine is none that createMachine has made$/,
  ],
];

/** In a Node of its own: here modules are loaded by Vite, which has errors of its own. */
const messages = new Promise<readonly string[]>((resolve, reject) => {
  writeFileSync(join(dir, "package.json"), '{ "type": "module" }');
  const files = TROUBLES.map(([, name, text]) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  });
  const code = `import { loadActorTypes } from ${JSON.stringify(LOADER)};
    const load = (file) => loadActorTypes([], { NATSTATE_ACTORS: file }).then(() => "fine", (error) => error.message);
    const messages = [];
    for (const file of ${JSON.stringify(files)}) messages.push(await load(file));
    console.log(JSON.stringify(messages));`;
  execFile(process.execPath, ["--input-type=module", "-e", code], (error, stdout) =>
    error === null ? resolve(JSON.parse(stdout)) : reject(error),
  );
});

it.each(TROUBLES)("a module that %s is refused by name, file and line", async (what, name, _, said) => {
  const message = (await messages)[TROUBLES.findIndex(([other]) => other === what)];
  expect(message).toMatch(new RegExp(`^NATSTATE_ACTORS=${join(dir, name)}`));
  expect(message).toMatch(said);
});

it("a module that is not there is refused by name", async () => {
  const file = join(dir, "is-not-there.mjs");
  const message = `NATSTATE_ACTORS=${file}: ${file} is not there, expected a module`;
  await expect(loadActorTypes([], { NATSTATE_ACTORS: file })).rejects.toThrow(message);
});
