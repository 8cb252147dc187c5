import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readExportedHistory } from "../../src/answers/history-export.ts";
import { ROOT, runCli } from "./cli-run.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";

/*
 * The commands are run where natstate is checked out, whose registry has the order alone: what they know of a claim, a
 * device or a checkout the daemon has told them.
 */
const dataDir = mkdtempSync(join(tmpdir(), "natstate-told-"));
const env = { NATSTATE_DATA: dataDir };
let daemon: DaemonProcess;

beforeAll(async () => {
  daemon = await startDaemonProcess({ NATSTATE_DATA: dataDir, NATSTATE_NATS_PORT: "0" }, [
    "--actors",
    "examples/actors.ts",
  ]);
  const events = [
    ["CHECKOUTS", "CheckoutStarted", '{"total":40}'],
    ["CHECKOUTS", "PaymentReceived", '{"amount":40,"method":"card"}'],
    ["CLAIMS", "ClaimFiled", '{"amount":900}'],
    ["DEVICES", "Heartbeat", "{}"],
  ] as const;
  for (const [stream, event, fields] of events) {
    expect(await runCli(["publish", "it-1", event, fields, "--json"], env)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`"${stream}"`),
    });
  }
});

afterAll(async () => {
  await daemon?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const json = async (...args: string[]) => JSON.parse((await runCli([...args, "--json"], env)).stdout);

describe("without any module", () => {
  it("an event is held against the contract before it is sent", async () => {
    const args = ["publish", "it-2", "CheckoutStarted", '{"total":-1}', "--type", "checkout"];
    const refused = await runCli(args, env);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/nothing was sent: invalid_event: total/) });
    const other = await runCli(["publish", "it-2", "ClaimFiled", "{}", "--type", "checkout"], env);
    expect(other).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ClaimFiled is of claim: say which with --type/),
    });
  });

  it("each type's actors are found, listed and counted", async () => {
    expect(await json("get", "it-1", "--type", "checkout")).toMatchObject({ checkoutId: "it-1", state: "paid" });
    expect(await json("history", "it-1", "--type", "claim")).toMatchObject({ events: [{ eventType: "ClaimFiled" }] });
    expect(await json("list", "--limit", "5")).toMatchObject({
      orders: [],
      checkouts: [{}],
      claims: [{}],
      devices: [{}],
    });
    expect(await json("list", "--state", "paid")).toEqual({ more: false, checkouts: [expect.anything()] });
    expect(await json("stats")).toMatchObject({ checkouts: { total: 1 }, claims: { total: 1 }, devices: { total: 1 } });
    expect(await json("quarantine", "list")).toEqual({ orders: [], checkouts: [], devices: [], claims: [] });
  });

  it("an actor's history is exported, to a file or to standard output", async () => {
    const file = join(dataDir, "it-1.json");
    const args = ["history", "it-1", "--type", "checkout", "--export"];
    expect(await runCli([...args, file], env)).toMatchObject({
      code: 0,
      stdout: "",
      stderr: `${file} has 2 events and 1 decision\n`,
    });
    const text = readFileSync(file, "utf8");
    expect(readExportedHistory(text)).toMatchObject({ type: "checkout", id: "it-1", state: "paid", total: 2 });
    expect((await runCli(args, env)).stdout).toBe(text);
    expect((await runCli(["history", "nobody", "--export", file], env)).code).toBe(3);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("decisions are followed, rates are shown", async () => {
    const { lag, stats } = await json("top", "--count", "1");
    expect({ lag, ...stats }).toMatchObject({ lag: 0, checkouts: { total: 1 }, devices: { total: 1 } });
    const doctor = await json("doctor");
    expect(doctor).toMatchObject({ healthy: true });
    expect(JSON.stringify(doctor.findings)).toContain("tell checkouts the time");
  });

  it("contract and machine are told as their module has them", async () => {
    for (const args of [
      ["schema", "--type", "checkout"],
      ["machine", "export", "--type", "device", "--format", "mermaid"],
      ["machine", "export", "--type", "claim", "--format", "text"],
    ]) {
      const [told, own] = await Promise.all([
        runCli(args, env),
        runCli([...args, "--actors", "examples/actors.ts"], env),
      ]);
      expect(told).toMatchObject({ code: 0, stderr: "" });
      expect(told.stdout.replaceAll(/\s*"properties": \{\},/g, "")).toBe(
        own.stdout.replaceAll(/\s*"properties": \{\},/g, ""),
      );
    }
  });

  it("health counts the daemons, and a type nobody has is refused with those there are", async () => {
    expect(await runCli(["health", "--nats", daemon.natsUrl], env)).toMatchObject({ code: 0 });
    const refused = await runCli(["list", "--type", "parcel"], env);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/order, checkout, device, claim/) });
  });
});

it("a module that is named goes before what the daemon tells", async () => {
  const refused = await runCli(["list", "--type", "claim", "--actors", "examples/checkout/actors.ts"], env);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/Allowed choices are checkout/) });
});

it("without a daemon, a module and a registry it is said that only the order is known", () => {
  const nowhere = { ...process.env, NATSTATE_DATA: join(dataDir, "none"), NATS_URL: "nats://127.0.0.1:1" };
  const args = [join(ROOT, "src/cli.ts"), "schema"];
  const ran = spawnSync(process.execPath, args, { cwd: dataDir, env: nowhere, encoding: "utf8" });
  expect(ran).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/^no daemon tells its types, .* only the bundled/),
  });
});
