import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { type Ran, ROOT, type Running, startProgram } from "./cli-run.ts";
import { install, pack } from "./packed.ts";

/*
 * natstate as other repositories have it: packed by npm, unpacked below their node_modules, where Node runs no
 * TypeScript. Dependencies are linked instead of installed, so that no registry is asked.
 */
const dir = mkdtempSync(join(tmpdir(), "natstate-installed-"));
const project = join(dir, "project");
const installed = join(project, "node_modules/natstate");

beforeAll(async () => {
  await install(await pack(dir), project);
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
  cpSync(join(ROOT, "test/client/consumer.ts"), join(project, "main.ts"));
  // No types in them: what is written in the docs is JavaScript as well.
  for (const name of ["publish", "consume"]) {
    cpSync(join(ROOT, `test/docs/examples/${name}.ts`), join(project, `${name}.js`));
  }
}, 360_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function run(file: string, ...args: string[]): Promise<Ran> {
  return startProgram(file, args, {}).ran;
}

function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const natstate = (...args: string[]) => run(process.execPath, join(installed, "src/bin.js"), ...args);

describe("the package", () => {
  it("holds what runs, its types and its documents, and nothing else", () => {
    const built =
      /^(examples\/([a-z-]+\/)?[A-Za-z-]+(\.[a-z.]+)?$|dist\/((src|machines)\/.*\.(js|d\.ts|sql|html|css|svg)|machines\/\w+\/machine\.ts|package\.json|nats\.conf)$)/;
    const files = filesBelow(installed).map((file) => file.slice(installed.length + 1));
    expect(files.filter((file) => !built.test(file)).sort()).toEqual(
      [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        ...readdirSync(join(ROOT, "docs"))
          .map((name) => `docs/${name}`)
          .filter((name) => name.endsWith(".md")),
        "docs/grafana-dashboard.json",
        "docs/nats-secure.conf",
        "docs/prometheus-alerts.yml",
        "nats.conf",
        "package.json",
        "src/bin.js",
      ].sort(),
    );
  });

  it("has what its documents point to, but for what is only in the clone", () => {
    const pages = filesBelow(installed).filter((file) => file.endsWith(".md"));
    expect(pages.length).toBeGreaterThan(10);
    const isOfClone =
      /^(\.\.\/)*(src|test|machines|\.ci|\.biome)|\.(json|png|test\.ts)$|^(\.\.\/)*(docs|examples|LICENSE)\/?$/;
    const broken = pages.flatMap((page) =>
      [...readFileSync(page, "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !isOfClone.test(target) && !existsSync(join(dirname(page), target)))
        .map((target) => `${page.slice(installed.length + 1)}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it("has every file that the code reads beside itself", () => {
    const read = filesBelow(join(ROOT, "src")).filter((file) => /\.(sql|html|css|svg)$|page\/[^/]+\.js$/.test(file));
    expect(read.length).toBeGreaterThan(10);
    for (const file of read) {
      expect(readFileSync(join(installed, "dist", file.slice(ROOT.length))), file).toEqual(readFileSync(file));
    }
  });
});

describe("its client", () => {
  // Only without skipLibCheck is a type missed that the package forgot; nats-core's own do not pass the third flag.
  it.each([["as strict as libraries are"], ["as strict as can be", "--skipLibCheck", "--exactOptionalPropertyTypes"]])(
    "has types that hold, %s: right uses compile, wrong ones do not",
    async (_, ...flags) => {
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      const options = [
        "--noEmit",
        "--strict",
        "--module",
        "NodeNext",
        "--target",
        "ES2024",
        "--types",
        "node",
        ...flags,
      ];
      const checked = await run(process.execPath, tsc, join(project, "main.ts"), "--ignoreConfig", ...options);
      expect(checked).toEqual({ code: 0, stdout: "", stderr: "" });
    },
  );

  it("loads the contract, zod and nats-core: no store, no server, no machine", async () => {
    const program = `
      import { registerHooks } from "node:module";
      const loaded = new Set();
      registerHooks({ load: (url, context, next) => (loaded.add(url), next(url, context)) });
      await import("natstate/client");
      console.log([...loaded].join("\\n"));
    `;
    writeFileSync(join(project, "loaded.js"), program);
    const urls = (await run(process.execPath, join(project, "loaded.js"))).stdout.trim().split("\n");
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const known = { ...dependencies, ...peerDependencies };
    const names = urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url);
    expect([...new Set(names)].filter((name) => name in known).sort()).toEqual([
      "@nats-io/nats-core",
      "canonicalize",
      "zod",
    ]);
    expect(urls.filter((url) => /\/natstate\/.*(machine|store|console|cli|daemon)\.js$/.test(url))).toEqual([]);
  });
});

describe("its command", () => {
  it("answers", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    // Nobody is there: a daemon that runs on this machine would be asked for its types.
    const machine = ["machine", "export", "--nats", "127.0.0.1:1"];
    const [said, drawn, source] = await Promise.all([
      natstate("--version"),
      natstate(...machine, "--format", "mermaid"),
      natstate(...machine, "--format", "source"),
    ]);
    expect(said).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    expect(drawn).toMatchObject({ code: 0, stdout: expect.stringContaining("stateDiagram-v2"), stderr: "" });
    expect(source).toMatchObject({ code: 0, stdout: expect.stringContaining("setup({"), stderr: "" });
  });

  it("runs the main job: what a service publishes is decided, and another one reads it", async () => {
    const env = { NATSTATE_DATA: join(dir, "data"), NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_NATS_PORT: "0" };
    const daemon = startProgram(process.execPath, [join(installed, "src/bin.js"), "start"], env);
    try {
      const { nats, api } = await whereItRuns(daemon);
      const service = (name: string) => startProgram(process.execPath, [join(project, name)], { NATS_URL: nats }).ran;
      const stored = "orders.my-2.InventoryReserved is stored as message 2\n";
      expect(await service("publish.js")).toEqual({ code: 0, stdout: stored, stderr: "" });
      const [consumed, typed, page] = await Promise.all([service("consume.js"), service("main.ts"), fetch(api)]);
      expect(consumed).toEqual({ code: 0, stdout: "my-2: ships from west in 5 days\n", stderr: "" });
      expect(typed).toEqual({ code: 0, stdout: "stored stands\n", stderr: "" });
      expect(await page.text()).toContain("/console/app.js");
    } finally {
      daemon.kill("SIGTERM");
    }
    const { code, stdout, stderr } = await daemon.ran;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // Its thread is a file of its own, which nothing imports.
    expect(stdout).not.toContain("checkpoint failed");
  });
});

async function whereItRuns(daemon: Running): Promise<{ nats: string; api: string }> {
  const said = () => /^.*natstate is running.*$/m.exec(daemon.stdout())?.[0];
  const line = await until("natstate is running", said).catch(async (error: Error) => {
    daemon.kill("SIGTERM");
    throw new Error(`${error.message}: ${JSON.stringify(await daemon.ran)}`);
  });
  return JSON.parse(line);
}

describe("under an older Node", () => {
  const older =
    "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.1.0'}})";
  const started = (bin: string) => run(process.execPath, "--import", older, bin, "--version");

  it("the Node that npm has put beside natstate runs it", async () => {
    expect(await started(join(installed, "src/bin.js"))).toMatchObject({ code: 0, stderr: "" });
  });

  it.each([[[]], [["--import", older]]])("compiled code is kept in NATSTATE_CACHE: node %s", async (options) => {
    const cache = mkdtempSync(join(dir, "cache-"));
    const env = { NATSTATE_CACHE: cache, NODE_COMPILE_CACHE: "" };
    const bin = join(installed, "src/bin.js");
    const { code, stderr } = await startProgram(process.execPath, [...options, bin, "--version"], env).ran;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readdirSync(join(cache, "natstate/compiled"))).toHaveLength(1);
  });

  it.each([
    ["npm did not run its install script", true, "npm approve-scripts node; npm rebuild node --ignore-scripts=false"],
    ["it is not installed", false, "npm install"],
  ])("it says what to do when there is none: %s", async (_, isThere, command) => {
    const bare = mkdtempSync(join(dir, "bare-"));
    const bin = join(bare, "node_modules/natstate/src/bin.js");
    cpSync(join(installed, "package.json"), join(bare, "node_modules/natstate/package.json"));
    cpSync(join(installed, "src/bin.js"), bin);
    if (isThere) mkdirSync(join(bare, "node_modules/node"));
    const { code, stderr } = await started(bin);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^natstate: natstate needs Node 24 or newer, and this is 20\.1\.0\. .*\n$/);
    expect(stderr.trim().split("Run in your project: ")[1]).toBe(command);
  });
});
