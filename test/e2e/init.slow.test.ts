import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../until.ts";
import { type Ran, type Running, runCli, startProgram } from "./cli-run.ts";
import { install, pack } from "./packed.ts";

/*
 * Projects that `natstate init` writes, on the package as npm packs it: there `npm test`, `npm run check` and `npm start`
 * work, whichever Node runs npm.
 */
const dir = mkdtempSync(join(tmpdir(), "natstate-init-"));
let tarball: string;
beforeAll(async () => {
  tarball = await pack(dir);
}, 360_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The machine's own Node runs npm, as where nothing but npm is there. */
const PATH = (process.env.PATH ?? "")
  .split(":")
  .filter((part) => !part.includes("node_modules"))
  .join(":");

function start(project: string, file: string, args: readonly string[]): Running {
  const own = { NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_NATS_PORT: "0" };
  return startProgram(file, args, { PATH, npm_config_update_notifier: "false", ...own }, project);
}

/** A command of the project, as a person types it there. */
function natstate(project: string, ...args: string[]): Promise<Ran> {
  return start(project, join(project, "node_modules/.bin/natstate"), args).ran;
}

it.each([
  ["booking", ["SeatHeld", '{"seat":"B7"}'], "held"],
  ["claim", ["ClaimFiled", '{"amount":900}'], "review.documents"],
  ["device", ["Heartbeat", "{}"], /^connection\.online/],
  ["checkout", ["CheckoutStarted", '{"total":40}'], "awaitingPayment"],
] as const)(
  "a project that begins with a %s tests, checks and starts itself",
  async (example, event, state) => {
    const project = join(dir, `my-${example}`);
    const written = await runCli(["init", project, "--example", example, "--natstate", tarball], {});
    expect(written).toMatchObject({ code: 0, stderr: "" });
    const { name, dependencies } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    expect({ name, natstate: dependencies.natstate }).toEqual({
      name: `my-${example}`,
      natstate: expect.stringMatching(/^file:\.\.\/natstate-.*\.tgz$/),
    });
    await install(tarball, project);
    const checked = await start(project, "npm", ["run", "check"]).ran;
    expect(checked, checked.stdout + checked.stderr).toMatchObject({ code: 0 });
    expect(checked.stdout).toMatch(/a start takes it[\s\S]*fail 0/);

    const daemon = start(project, "npm", ["start"]);
    try {
      await until("it runs", () => daemon.stdout().includes("natstate is running") || null);
      expect(await natstate(project, "publish", "it-1", ...event)).toMatchObject({ code: 0 });
      const found = await until("it is heard", async () => {
        const { code, stdout } = await natstate(project, "get", "it-1", "--json");
        return code === 0 && JSON.parse(stdout);
      });
      expect(found.state).toEqual(typeof state === "string" ? state : expect.stringMatching(state));
    } finally {
      daemon.kill("SIGTERM");
      await daemon.ran;
    }
  },
  300_000,
);

it("its own code is less than 40 lines", () => {
  const actors = readFileSync(join(dir, "my-booking/machines/booking/actors.ts"), "utf8");
  expect(actors.split("\n").filter((line) => line.trim() !== "").length).toBeLessThan(40);
});

it("what is there is not overwritten, nor is half of a project written", async () => {
  const project = join(dir, "taken");
  mkdirSync(project);
  writeFileSync(join(project, "nats.conf"), "mine");
  const refused = await runCli(["init", project], {});
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`${project} has nats.conf: nothing was written`),
  });
  expect(readdirSync(project)).toEqual(["nats.conf"]);
  expect(readFileSync(join(project, "nats.conf"), "utf8")).toBe("mine");
});
