import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { openSession } from "../../src/jetstream/session.ts";
import type { TopologyOptions } from "../../src/jetstream/stream-configs.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { type ServerChanges, startTestServer, TOPOLOGY } from "../server.ts";

const types = [orderType as ActorType];

async function on(
  changes: ServerChanges,
  use: (create: (own: Partial<TopologyOptions>) => Promise<unknown>) => Promise<void>,
) {
  await using server = await startTestServer(changes);
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  await use((own) => ensureStreams(session.jsm, types, { ...TOPOLOGY, ...own })).finally(session.close);
}

it("replicas on a server that is alone: one line with the setting, whatever the number of streams", () =>
  on({}, async (create) => {
    await expect(create({ replicas: 3 })).rejects.toThrow(
      /^NATSTATE_REPLICAS is 3, and this nats-server is alone: set it to 1, or use a cluster of at least 3 servers\.$/,
    );
    await create({});
  }));

/** Whoever does not log in is of the account A. */
const LIMITED = (most: string) => ({
  "ping_max: 3": `ping_max: 3
no_auth_user: me
accounts { A { jetstream { max_bytes_required: true, max_store: ${most} }, users: [{ user: me, password: secret }] } }`,
});

it("an account that requires max_bytes: the setting is named, and with it the streams refuse what is new when full", () =>
  on(LIMITED("1GB"), async (create) => {
    await expect(create({})).rejects.toThrow(/^this NATS account requires a limit .*NATSTATE_MAX_BYTES.*$/);
    await create({ maxBytes: 104_857_600 });
    await create({ maxBytes: 104_857_600 });
    await expect(create({ maxBytes: 52_428_800 })).rejects.toThrow(/max_bytes/);
  }));

it("streams that an account has no room for: the setting and its value are named", () =>
  on(LIMITED("10MB"), async (create) => {
    await expect(create({ maxBytes: 104_857_600 })).rejects.toThrow(
      /^NATS has no room .*NATSTATE_MAX_BYTES is 104857600.*$/,
    );
  }));
