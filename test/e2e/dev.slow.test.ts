import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { until } from "../until.ts";
import { ROOT, runCli, startCli } from "./cli-run.ts";

const dir = mkdtempSync(join(tmpdir(), "natstate-dev-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const module = join(dir, "actors.ts");
const names = join(dir, "name.ts");

it("natstate dev starts again at each change of the module and of what it imports, and waits for one that loads", async () => {
  writeFileSync(module, "export default [;");
  const env = { NATSTATE_DATA: join(dir, "data"), NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_NATS_PORT: "0" };
  const dev = startCli(["dev", "--actors", module], env);
  const starts = () => dev.stdout().split("natstate is running").length - 1;
  const types = async () => (await runCli(["list", "--json"], env)).stdout;
  try {
    await until("the first fails", () => dev.stderr().includes("cannot be loaded") || null);
    await until("it waits", () => dev.stderr().includes("waiting for a change") || null);
    expect(starts()).toBe(0);

    writeFileSync(names, `export const collection: string = "firsts";`);
    writeFileSync(module, moduleText());
    await until("it runs", () => starts() === 1 || null);
    expect(dev.stdout()).toMatch(/natstate is running\n\n {2}Console +http/);
    expect(JSON.parse(await types())).toEqual({ firsts: [], more: false });

    writeFileSync(names, `export const collection: string = "seconds";`);
    await until("it runs again", () => starts() === 2 || null);
    expect(JSON.parse(await types())).toEqual({ seconds: [], more: false });

    writeFileSync(names, `export const collection: string = "thirds";\nthrow new Error("no luck");`);
    await until("it fails", () => dev.stderr().includes("name.ts:2: no luck") || null);
    writeFileSync(names, `export const collection: string = "firsts";`);
    await until("it runs once more", () => starts() === 3 || null);
  } finally {
    dev.kill("SIGTERM");
  }
  expect((await dev.ran).code).toBe(0);
}, 240_000);

it("a natstate dev that is killed leaves no daemon behind", async () => {
  const env = { NATSTATE_DATA: join(dir, "killed"), NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_NATS_PORT: "0" };
  const dev = startCli(["dev"], env);
  await until("it runs", () => dev.stdout().includes("natstate is running") || null);
  dev.kill("SIGKILL");
  // Who writes to the same output has ended, too.
  await dev.ran;
  const { code, stderr } = await runCli(["health"], env);
  expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining("natstate") });
}, 60_000);

function moduleText(): string {
  return `import checkout from ${JSON.stringify(join(ROOT, "examples/checkout/actors.ts"))};
import { collection } from "./name.ts";
export default [{ ...checkout[0], collection }];
`;
}
