import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, it } from "vitest";
import { actorTypes } from "../../machines/registry.ts";
import { readConfig } from "../../src/config/config.ts";
import { startDaemon } from "../../src/daemon/daemon.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";

it("a start that fails at its last step leaves nothing open, and the next one comes to run", async () => {
  await using server = await startTestServer();
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-closing-"));
  using _dir = { [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }) };
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const start = () => {
    const env = { NATS_URL: server.url, NATSTATE_DATA: dataDir, NATSTATE_HTTP: `127.0.0.1:${port}` };
    const logger = pino({ level: "silent" });
    return startDaemon({ config: readConfig(env), env, types: actorTypes, logger, onFatal: () => {} });
  };

  await expect(start()).rejects.toThrow(`port ${port} on 127.0.0.1 is in use`);
  // SQLite removes it with the last connection.
  expect(existsSync(join(dataDir, "natstate.db-wal"))).toBe(false);
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  await expect(session.nc.request("$SRV.PING.natstate")).rejects.toThrow("no responders");
  await session.close();

  await new Promise((resolve) => taken.close(resolve));
  const daemon = await start();
  await until("it is ready", () => daemon.health().ready);
  await daemon.stop();
  expect(existsSync(join(dataDir, "natstate.db-wal"))).toBe(false);
});
