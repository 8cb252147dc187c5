import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSession } from "../../src/jetstream/session.ts";
import { freePort } from "../../src/nats-server/ready.ts";
import { startTestCluster } from "../cluster.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { spawnDaemon, startDaemonProcess } from "./daemon-process.ts";
import { getJson } from "./world.ts";

const PATIENCE_MS = 90_000;
/** 5 s, and one for a machine that is shared by many. */
const TOLD_MS = 6000;

it.each(["killed", "frozen"])(
  "with two of three servers %s, a daemon connected to the third says so within 5 s and shows no old figure; a start waits; both go on by themselves",
  async (how) => {
    await using cluster = await startTestCluster();
    const session = await openSession({ url: cluster.url, name: "test" }, () => {});
    const directory = mkdtempSync(join(tmpdir(), "natstate-quorum-"));
    const ports = [await freePort(), await freePort()];
    const [kept, ...others] = cluster.nodes;
    const env = (index: number) => ({
      ...{ NATS_URL: kept.url, NATSTATE_REPLICAS: "3", NATSTATE_HTTP: `127.0.0.1:${ports[index]}` },
      NATSTATE_DATA: join(directory, `${index}`),
    });
    const daemon = await startDaemonProcess(env(0), [], PATIENCE_MS);
    await cluster.settle(session);
    const readiness = () => getJson(daemon, "/readyz");
    const metrics = async () => (await fetch(`${daemon.httpUrl}/metrics`)).text();
    await until("ready", async () => (await readiness()).ready, PATIENCE_MS);
    expect(await metrics()).toMatch(/^natstate_partition_lag_messages\{.*\} 0$/m);

    for (const node of others) {
      if (how === "frozen") node.signal("SIGSTOP");
      else void node.kill9();
    }
    await until("it is told", async () => !(await readiness()).checks.streams.ok, TOLD_MS);
    const { ready, checks } = await readiness();
    expect(ready).toBe(false);
    expect(checks.nats).toEqual({ ok: true, detail: "connected" });
    expect(checks.streams).toMatchObject({ ok: false, detail: expect.stringMatching(/JetStream does not answer for/) });
    expect(checks.partitions.detail).toMatch(/^0 of 16/);
    const shown = await metrics();
    expect(shown).toMatch(/^natstate_ready 0$/m);
    expect(shown).toMatch(/^natstate_partitions_owned 0$/m);
    expect(shown).not.toMatch(/^natstate_partition_lag_messages\{/m);
    await until("it is in the log", () => /JetStream does not answer for/.test(daemon.output()), TOLD_MS);

    const doctor = await runCli(["doctor"], env(0));
    expect(doctor).toMatchObject({ code: 4, stdout: expect.stringMatching(/PROBLEM .*(servers|leader)/s) });

    const second = spawnDaemon(env(1));
    let output = "";
    for (const stream of [second.stdout, second.stderr]) stream?.on("data", (chunk) => (output += chunk));
    const ask = () => fetch(`http://127.0.0.1:${ports[1]}/readyz`).catch(() => undefined);
    await until("the second one waits", async () => (await ask())?.status === 503, PATIENCE_MS);
    // Long enough for leaders to step down, and for the servers that are left over to answer without any.
    const untilMs = performance.now() + 25_000;
    while (performance.now() < untilMs) {
      expect((await readiness()).ready).toBe(false);
      expect((await ask())?.status).toBe(503);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(daemon.output().match(/not as it should be.*JetStream|JetStream.*not as it should be/g)).toHaveLength(1);

    for (const node of others) {
      if (how === "frozen") node.signal("SIGCONT");
      else node.start();
    }
    await until("both are ready", async () => (await readiness()).ready && (await ask())?.ok, PATIENCE_MS).catch(
      (error: Error) => {
        throw new Error([error.message, daemon.output().slice(-3000), output.slice(-3000)].join("\n"));
      },
    );
    expect(second.exitCode).toBeNull();
    expect(await daemon.stop()).toBe(0);
    second.kill("SIGKILL");
    await session.close();
    rmSync(directory, { recursive: true, force: true });
  },
);
