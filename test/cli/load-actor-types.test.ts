import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

it.each([
  ["is not there", undefined, /^NATSTATE_ACTORS=(.*is-not-there\.mjs): \1 is not there, expected a module$/],
  ["throws", "throw new Error('no luck')", /throws\.mjs: it cannot be loaded: no luck$/],
  [
    "exports no types",
    "export const a = 1",
    /: expected a default export \(or actorTypes\) that is an array of actor types$/,
  ],
  ["exports none", "export default []", /that is an array of actor types$/],
  ["exports something else", "export default [null]", /: element 0 is no actor type, it has no name, collection,/],
  [
    "lacks a rule",
    "export default [{ name: 'a', collection: 'b', idField: 'c', events: {}, machine: {} }]",
    /no conclude$/,
  ],
])("a module that %s is refused by name", async (what, text, message) => {
  const file = join(dir, `${what.replaceAll(" ", "-")}.mjs`);
  if (text !== undefined) writeFileSync(file, text);
  await expect(loadActorTypes([], { NATSTATE_ACTORS: file })).rejects.toThrow(message);
});
