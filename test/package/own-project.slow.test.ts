import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, type Running, startProgram } from "../e2e/cli-run.ts";
import { install, pack } from "../e2e/packed.ts";
import { until } from "../until.ts";

/*
 * An empty project with an actor type of its own: natstate packed and installed, the daemon by its command and within a
 * program, the client under older Nodes, types as other compilers read them.
 */
const dir = mkdtempSync(join(tmpdir(), "natstate-own-"));
const project = join(dir, "project");
let installed = "";
let tarball = "";

beforeAll(async () => {
  tarball = await pack(dir);
  installed = await install(tarball, project);
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
  for (const name of ["author", "lamp", "host"])
    cpSync(join(import.meta.dirname, `${name}.ts`), join(project, `${name}.ts`));
  cpSync(join(ROOT, "test/client/consumer.ts"), join(project, "consumer.ts"));
}, 360_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const quiet = { NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_NATS_PORT: "0" };
const actors = ["--actors", join(project, "lamp.ts")];
const natstate = (args: string[], env: Record<string, string>) =>
  startProgram(process.execPath, [join(installed, "src/bin.js"), ...args], env);

describe("with a machine of its own", () => {
  it("the command starts a daemon; what is published is got, watched and drawn", async () => {
    const env = { ...quiet, NATSTATE_DATA: join(dir, "data") };
    const daemon = natstate(["start", ...actors], env);
    const begun: Running[] = [daemon];
    try {
      const line = await until("it runs", () => /^.*natstate is running.*$/m.exec(daemon.stdout())?.[0]);
      const { api } = JSON.parse(line) as { api: string };
      const watching = natstate(["watch", "--since", "10m", "--json", ...actors], env);
      begun.push(watching);
      const published = await natstate(["publish", "hall", "LampLit", '{"watts":9}', ...actors], env).ran;
      expect(published).toMatchObject({ code: 0, stderr: "" });
      const decided = await until("it is watched", () => /^\{.*CurtainsClosed.*$/m.exec(watching.stdout())?.[0]);
      expect(JSON.parse(decided)).toMatchObject({ lampId: "hall", by: "motor", dataCompleteness: 50 });
      const got = await natstate(["get", "hall", "--json", ...actors], env).ran;
      expect(JSON.parse(got.stdout)).toMatchObject({ lampId: "hall", state: "bright", waitingFor: ["LampOut"] });
      const drawn = await fetch(`${api}/api/machine?type=lamp`);
      expect(JSON.stringify(await drawn.json())).toContain("bright");
    } finally {
      for (const each of begun.reverse()) each.kill("SIGTERM");
    }
    expect(await daemon.ran).toMatchObject({ code: 0, stderr: "" });
  });

  it("a program hosts the daemon itself", async () => {
    const env = { ...quiet, NATSTATE_DATA: join(dir, "hosted"), NATSTATE_LOG_LEVEL: "silent" };
    const stdout = "attic is bright, ready true, nothing fatal\n";
    expect(await startProgram(process.execPath, [join(project, "host.ts")], env).ran).toEqual({
      code: 0,
      stdout,
      stderr: "",
    });
  });
});

/** Undefined: there is none, and none could be installed. */
function findNode(major: number): string | undefined {
  const versionOf = (node: string) => execFileSync(node, ["--version"], { encoding: "utf8" });
  const ofSystem = ["/usr/bin/node", "/usr/local/bin/node"].find(
    (node) => existsSync(node) && versionOf(node).startsWith(`v${major}.`),
  );
  if (ofSystem !== undefined) return ofSystem;
  const into = join(dir, `node-${major}`);
  try {
    const args = ["install", "--prefix", into, "--no-audit", "--no-fund", `node@${major}`];
    execFileSync("npm", args, { stdio: "ignore", timeout: 90_000 });
    const node = join(into, "node_modules/node/bin/node");
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

it.for([20, 22])("the client runs under Node %i", async (major, { skip }) => {
  const node = findNode(major) ?? skip(`there is no Node ${major}, and npm could not install one`);
  const program = `
    import { decisionsOf, defineContract, publishEvent } from "natstate/client";
    import { z } from "zod";
    const lamp = defineContract({ name: "lamp", events: { LampLit: z.object({ watts: z.number() }) } });
    const sent = [];
    const js = { publish: async (subject, body) => (sent.push(subject, JSON.parse(body).watts), { seq: 1, stream: "LAMPS" }) };
    await publishEvent(js, lamp, { eventType: "LampLit", lampId: "hall", watts: 9 }).catch((error) => sent.push(error.message));
    console.log(process.versions.node.split(".")[0], sent.join(" "), typeof decisionsOf(lamp).read);
  `;
  writeFileSync(join(project, "client.js"), program);
  const stdout = `${major} lamps.hall.LampLit 9 function\n`;
  expect(await startProgram(node, [join(project, "client.js")], { NODE_COMPILE_CACHE: "" }).ran).toEqual({
    code: 0,
    stdout,
    stderr: "",
  });
});

/** nats-core's own types do not pass the second. */
const STRICTNESS = { libraries: {}, exact: { skipLibCheck: true, exactOptionalPropertyTypes: true } };

it.each(
  ["typescript", "typescript-5.8"].flatMap((compiler) =>
    Object.entries(STRICTNESS).map(([name, options]) => [compiler, name, options] as const),
  ),
)("right uses compile and wrong ones do not: %s, %s", async (compiler, name, options) => {
  const config = join(project, `tsconfig.${compiler}-${name}.json`);
  const compilerOptions = {
    ...{ noEmit: true, strict: true, module: "NodeNext", target: "ES2024", types: ["node"] },
    ...{ allowImportingTsExtensions: true, ...options },
  };
  writeFileSync(config, JSON.stringify({ compilerOptions, files: ["author.ts", "lamp.ts", "host.ts", "consumer.ts"] }));
  const tsc = join(ROOT, "node_modules", compiler, "bin/tsc");
  expect(await startProgram(process.execPath, [tsc, "-p", config], {}).ran).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
});

it.each(["typescript", "typescript-5.8"])(
  "what is wrong with an event is one error, at its field: %s",
  async (compiler) => {
    const lines = [
      'import { defineContract, publishEvent } from "natstate/client";',
      'import { z } from "zod";',
      'const lamp = defineContract({ name: "lamp", events: { LampLit: z.object({ watts: z.number() }) } });',
      "declare const js: Parameters<typeof publishEvent>[0];",
      'publishEvent(js, lamp, { eventType: "LampLit", lampId: "hall", watts: "9" });',
      'publishEvent(js, lamp, { eventType: "LampLti", lampId: "hall", watts: 9 });',
      'publishEvent(js, { eventType: "OrderLost", orderId: "c1" }, { timeoutMs: 5 });',
    ];
    writeFileSync(join(project, "wrong.ts"), lines.join("\n"));
    const config = join(project, "tsconfig.wrong.json");
    const compilerOptions = { noEmit: true, strict: true, module: "NodeNext", target: "ES2024", types: ["node"] };
    writeFileSync(config, JSON.stringify({ compilerOptions, files: ["wrong.ts"] }));
    const tsc = join(ROOT, "node_modules", compiler, "bin/tsc");
    const { stdout } = await startProgram(process.execPath, [tsc, "-p", config, "--pretty", "false"], {}).ran;
    const at = (line: number, field: string) => `wrong.ts(${line},${(lines[line - 1] as string).indexOf(field) + 1})`;
    const told = stdout.trim().split("\n");
    expect(told.map((line) => line.replace(/^.*(?=wrong\.ts)/, ""))).toEqual([
      `${at(5, "watts")}: error TS2322: Type 'string' is not assignable to type 'number'.`,
      `${at(6, "eventType")}: error TS2322: Type '"LampLti"' is not assignable to type '"LampLit"'.`,
      expect.stringContaining(`${at(7, "eventType")}: error TS2322: Type '"OrderLost"' is not assignable to type`),
    ]);
  },
);

describe("the package", () => {
  it("is as publint wants it", async () => {
    const { messages } = await publint({ pkgDir: installed, strict: true, pack: false });
    expect(messages).toEqual([]);
  });

  it("has types that are right, for whoever imports it", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    if (!analysis.types) throw new Error("no types");
    // It is ESM alone: TypeScript's oldest resolution knows no exports, and CommonJS has to import() it before Node 22.
    const known = ["NoResolution", "CJSResolvesToESM"];
    const problems = analysis.problems.filter(({ kind }) => !known.includes(kind));
    expect(problems).toEqual([]);
    const node10 = analysis.problems.filter(
      (problem) => "resolutionKind" in problem && problem.kind === "NoResolution",
    );
    expect(node10.every((problem) => "resolutionKind" in problem && problem.resolutionKind === "node10")).toBe(true);
  });

  it("is as large as docs/design.md says, and needs as much", () => {
    const page = readFileSync(join(ROOT, "docs/design.md"), "utf8");
    const [, dependencies, megabytes] = /package has (\d+) dependencies and unpacks to ([\d.]+) MB/.exec(page) ?? [];
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { dependencies: object };
    expect(Number(dependencies)).toBe(Object.keys(manifest.dependencies).length);
    const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
    expect(Math.abs(bytes / 1e6 - Number(megabytes))).toBeLessThan(0.1 * Number(megabytes));
  });
});
