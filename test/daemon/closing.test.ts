import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, it } from "vitest";
import { actorTypes } from "../../machines/registry.ts";
import { readConfig } from "../../src/config/config.ts";
import { openDaemon } from "../../src/daemon/daemon.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";

/** A daemon that can be started again and again on one directory and port. */
async function open() {
  const server = await startTestServer();
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-closing-"));
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  const start = (http: string) => {
    const env = { NATS_URL: server.url, NATSTATE_DATA: dataDir, NATSTATE_HTTP: http };
    const logger = pino({ level: "silent" });
    return openDaemon({ config: readConfig(env), env, types: actorTypes, logger, onFatal: () => {} });
  };
  return {
    ...{ session, start },
    runtimeFile: join(dataDir, "natstate.json"),
    async leftNothing() {
      // SQLite removes it with the last connection.
      expect(existsSync(join(dataDir, "natstate.db-wal"))).toBe(false);
      await expect(session.nc.request("$SRV.PING.natstate")).rejects.toThrow("no responders");
      await expect(session.nc.request("natstate.daemons")).rejects.toThrow("no responders");
    },
    async runs(http: string) {
      const daemon = await start(http);
      await until("it is ready", () => daemon.health().ready);
      await daemon.stop();
      expect(existsSync(join(dataDir, "natstate.db-wal"))).toBe(false);
    },
    async [Symbol.asyncDispose]() {
      await session.close();
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

it("a start that fails at its last step leaves nothing open, and the next one comes to run", async () => {
  await using opened = await open();
  mkdirSync(opened.runtimeFile);
  await expect(opened.start("127.0.0.1:0")).rejects.toThrow("natstate.json");
  await opened.leftNothing();
  rmSync(opened.runtimeFile, { recursive: true });
  await opened.runs("127.0.0.1:0");
});

it("where its port is another's, no other daemon hears of it", async () => {
  await using opened = await open();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  const heard: string[] = [];
  const { nc } = opened.session;
  nc.subscribe("natstate.>", { callback: (_, { subject }) => void heard.push(subject) });
  nc.subscribe("$JS.API.CONSUMER.MSG.NEXT.>", { callback: (_, { subject }) => void heard.push(subject) });
  await nc.flush();
  await expect(opened.start(`127.0.0.1:${port}`)).rejects.toThrow(`port ${port} on 127.0.0.1 is in use`);
  await nc.flush();
  expect(heard).toEqual([]);
  await new Promise((resolve) => taken.close(resolve));
});
