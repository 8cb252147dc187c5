import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, expect, it } from "vitest";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { startDaemonProcess } from "./daemon-process.ts";

const dataDir = mkdtempSync(join(tmpdir(), "natstate-removed-"));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
const env = { NATSTATE_DATA: dataDir, NATSTATE_NATS_PORT: "0" };
const ALL = ["--actors", "examples/actors.ts"];
const WITHOUT_CLAIMS = ["--actors", "examples/checkout/actors.ts"];

it("a type that is removed keeps its stream and its data, over a rebuild too, and goes on when it is back", async () => {
  const before = await startDaemonProcess(env, ALL);
  await publish("claim", "c-1", "ClaimFiled", '{"amount":900}');
  await publish("claim", "c-1", "FraudSuspected", '{"by":"somebody"}');
  await publish("claim", "c-2", "ClaimFiled", '{"amount":1}');
  await publish("checkout", "k-1", "CheckoutStarted", '{"total":40}');
  await publish("checkout", "k-1", "PaymentReceived", '{"amount":40,"method":"card"}');
  const history = await json("history", "c-1", "--type", "claim");
  expect(history.events).toHaveLength(2);
  await before.stop();
  const stored = claims();

  const without = await startDaemonProcess(env, WITHOUT_CLAIMS);
  expect(await json("stats")).toMatchObject({ checkouts: { total: 1 } });
  expect(await json("get", "k-1")).toMatchObject({ state: "paid" });
  expect((await runCli(["doctor"], env)).code).toBe(0);
  expect((await runCli(["verify", "--all", ...WITHOUT_CLAIMS], env)).stdout).toMatch(
    /^1 checkouts derived .* the same/m,
  );
  await without.stop();
  expect(claims()).toEqual(stored);

  const rebuilt = await runCli(["rebuild", "--json", ...WITHOUT_CLAIMS], env);
  expect(rebuilt).toMatchObject({ code: 0, stderr: expect.any(String) });
  expect(JSON.parse(rebuilt.stdout)).toMatchObject({
    actors: 1,
    untouched: ["CLAIMS", "DEVICES", "ORDERS"],
    differences: [],
  });
  expect(claims()).toEqual(stored);

  const back = await startDaemonProcess(env, ALL);
  // Ready once it reads; a partition in which there is nothing new says a moment later that it has caught up.
  await until("c-1 is as before", async () => {
    const { catchingUp } = await json("history", "c-1", "--type", "claim");
    return catchingUp !== true;
  });
  expect(await json("history", "c-1", "--type", "claim")).toEqual(history);
  await publish("claim", "c-2", "FraudSuspected", '{"by":"nobody"}');
  expect(await json("get", "c-2", "--type", "claim")).toMatchObject({ version: 2 });
  expect((await runCli(["verify", "--all", ...ALL], env)).stdout).toMatch(/^2 claims derived .* the same/m);
  await back.stop();
}, 300_000);

async function publish(type: string, id: string, event: string, fields: string): Promise<void> {
  expect(await runCli(["publish", id, event, fields, "--type", type], env)).toMatchObject({ code: 0 });
  await until(`${event} is heard`, async () => {
    const heard = await runCli(["history", id, "--type", type, "--json"], env);
    return heard.code === 0 && heard.stdout.includes(`"${event}"`);
  });
}

async function json(...args: string[]) {
  return JSON.parse((await runCli([...args, "--json"], env)).stdout);
}

/** All that the store has of claims, whatever their keys. */
function claims(): unknown[] {
  const db = new Database(join(dataDir, "natstate.db"), { readonly: true });
  try {
    const ofClaims = "actor_key IN (SELECT key FROM actors WHERE type = 'claim')";
    return [
      "SELECT id, state, events, revision, snapshot FROM actors WHERE type = 'claim' ORDER BY key",
      `SELECT event_id, type, sequence, outcome, body FROM events WHERE ${ofClaims} ORDER BY rowid`,
      `SELECT revision, payload, published FROM decisions WHERE ${ofClaims} ORDER BY actor_key, revision`,
      `SELECT anchors FROM anchors WHERE ${ofClaims} ORDER BY actor_key`,
      "SELECT partition, name, value FROM tallies WHERE type = 'claim' ORDER BY 1, 2",
      "SELECT partition, sequence, complete_to FROM checkpoints WHERE stream = 'CLAIMS' ORDER BY 1",
    ].map((sql) => db.prepare(sql).all());
  } finally {
    db.close();
  }
}
