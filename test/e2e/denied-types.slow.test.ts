import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli } from "./cli-run.ts";
import { startDaemonProcess } from "./daemon-process.ts";
import { startSecureServer } from "./secure-server.ts";

/** docs/nats-secure.conf as it was when nobody asked for types. */
const OF_BEFORE = {
  '              "natstate.types"\n              "natstate.daemons"\n': '              "natstate.daemons"\n',
  '              # What an order is: its events, decisions and states.\n              "natstate.types"\n': "",
};

it("where NATS does not let the daemon tell its types, nor anybody ask, all else is answered as before", async () => {
  await using server = await startSecureServer({ changes: OF_BEFORE });
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-denied-types-"));
  const daemon = await startDaemonProcess({ ...server.env("processor"), NATSTATE_DATA: dataDir });
  try {
    const asReader = { ...server.env("reader"), NATSTATE_DATA: join(dataDir, "none") };
    const stats = await runCli(["stats", "--json"], asReader);
    expect(stats).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(stats.stdout)).toMatchObject({ orders: { total: 0 } });
    expect(server.violations().filter((line) => !line.includes("natstate.types"))).toEqual([]);
    expect(server.violations().join("\n")).toContain('Subscription Violation - Subject "natstate.types"');
  } finally {
    await daemon.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
