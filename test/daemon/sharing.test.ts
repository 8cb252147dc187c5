import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import pino from "pino";
import { expect, it } from "vitest";
import { actorTypes } from "../../machines/registry.ts";
import { readConfig } from "../../src/config/config.ts";
import { openDaemon } from "../../src/daemon/daemon.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { askMembers } from "../../src/members/ask-members.ts";
import type { Member } from "../../src/members/member.ts";
import { DAEMONS_SUBJECT } from "../../src/wire/names.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";

/** Longer than one waits that is alone, shorter than one waits that has siblings. */
const LATER_MS = 120;
/** A machine under load may be late for the moment that is tried. */
const TRIES = 3;

/** Begins later than the daemon that listens already, which knows the same streams. */
async function beginLater(nc: NatsConnection): Promise<void> {
  let first: Member | undefined;
  await until("the first listens", async () => {
    [first] = (await askMembers(nc, undefined, 20)).values();
    return first !== undefined;
  });
  await delay(LATER_MS);
  const streams = first?.streams.map((stream) => ({ ...stream, holds: [], follows: [] }));
  const other = JSON.stringify({ ...first, id: "other", instance: "other", daemon: "2", streams });
  nc.subscribe(DAEMONS_SUBJECT, { callback: (_, message) => void message.respond(other) });
  await nc.request(DAEMONS_SUBJECT, other);
}

it("one of several that begin together takes no more than its share, though another listens later", {
  retry: TRIES,
}, async () => {
  const server = await startTestServer();
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-sharing-"));
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  const env = { NATS_URL: server.url, NATSTATE_DATA: dataDir, NATSTATE_HTTP: "off" };
  const siblings = {
    ...{ daemon: "1", pageToken: Promise.resolve(""), meet() {}, scrape: async () => ({ contentType: "", body: "" }) },
    check: () => ({ ok: true, detail: "" }),
  };
  const started = openDaemon({
    ...{ config: readConfig(env), env, types: actorTypes, logger: pino({ level: "silent" }), siblings },
    onFatal() {},
  });
  try {
    const [daemon] = await Promise.all([started, beginLater(session.nc)]);
    for (const [stream, partitions] of daemon.partitions()) expect(partitions, stream).toHaveLength(8);
    expect(daemon.partitions().size).toBe(actorTypes.length);
  } finally {
    await (await started).stop();
    await session.close();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
