import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli } from "./cli-run.ts";
import { openWorld, traffic } from "./world.ts";

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly detail: string;
  readonly advice: string | null;
}

it("a running system is well; a changed consumer and an absent server are named with what to do", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  async function examine(given: Record<string, string> = env) {
    const { code, stdout, stderr } = await runCli(["doctor", "--json"], given);
    expect(stdout, stderr).not.toBe("");
    const findings = (JSON.parse(stdout) as { findings: Finding[] }).findings;
    for (const { level, advice } of findings) expect(advice === null).toBe(level === "ok");
    return { code, of: (check: string) => findings.find((finding) => finding.check === check), findings };
  }
  const before = await examine();
  expect(before.of("streams")).toMatchObject({
    level: "warning",
    detail: expect.stringContaining("3 of 3 are missing"),
  });
  expect(before.of("store")).toMatchObject({ level: "warning" });

  const daemon = await world.start();
  await world.publish(traffic(30, 61, { malformed: 3 }));
  await world.settle(daemon);
  const sizes = () => Promise.all(["ORDERS", "DECISIONS", "DEAD_LETTERS"].map((stream) => world.streamSize(stream)));
  const stored = await sizes();
  const well = await examine();
  expect(well.code, JSON.stringify(well.findings)).toBe(0);
  expect(await sizes()).toEqual(stored);
  for (const check of [
    "NATS",
    "server",
    "daemon",
    "streams",
    "consumers",
    "publish to DECISIONS",
    "lag",
    "clock",
    "store",
  ]) {
    expect(well.of(check)?.level, check).toBe("ok");
  }
  expect(well.of("dead letters")).toMatchObject({ level: "warning", detail: expect.stringContaining("3 messages") });
  expect(well.of("durability")).toMatchObject({ level: "warning", detail: expect.stringContaining("cannot see") });

  await daemon.stop();
  await world.session.jsm.consumers.update("ORDERS", "orders-5", { max_ack_pending: 7 });
  const changed = await examine();
  expect(changed.code).toBe(4);
  expect(changed.of("consumers")).toMatchObject({
    level: "problem",
    detail: expect.stringMatching(/orders-5 of ORDERS: max_ack_pending is 7, expected 2000/),
  });
  expect(changed.of("daemon")).toMatchObject({ level: "warning", advice: "Start it with: npx natstate start" });

  const absent = await examine({ ...env, NATS_URL: "nats://127.0.0.1:1" });
  expect(absent.code).toBe(4);
  expect(absent.of("NATS")?.level).toBe("problem");
  expect(absent.of("store")?.level).toBe("ok");
  const nothing = await examine({ NATSTATE_DATA: join(world.dataDir, "none"), NATSTATE_NATS_PORT: "0" });
  expect(nothing.of("disk")?.level).toBe("warning");
}, 180_000);
