import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSession } from "../../src/jetstream/session.ts";
import { until } from "../until.ts";
import { startDaemonProcess } from "./daemon-process.ts";
import { type SecureServer, startSecureServer } from "./secure-server.ts";
import { traffic } from "./world.ts";

/*
 * A server with a JetStream domain, and acknowledgement subjects that carry it: servers from 2.14 on have a flag for
 * that. The permissions of docs/nats-secure.conf have to allow both forms.
 */
const LISTEN = 'listen: "0.0.0.0:4222"';
const DOMAIN = `jetstream { domain: hub, sync_interval: always }\nfeature_flags { js_ack_fc_v2: true }`;
const DOMAIN_ACK = '"$JS.ACK.*.*.ORDERS.>"';

it("on a server with a domain the processor may do its work, and acknowledge it", async () => {
  await using server = await startSecureServer({ changes: { [LISTEN]: DOMAIN } });
  await work(server, async (unacknowledged) => {
    await until("all is acknowledged", async () => (await unacknowledged()) === 0);
  });
  expect(server.violations()).toEqual([]);
}, 90_000);

it("without the second form of acknowledgements it could not, so the test before can fail", async () => {
  await using server = await startSecureServer({ changes: { [LISTEN]: DOMAIN, [DOMAIN_ACK]: "" } });
  await work(server, async () => {
    await until("the server refuses", () => server.violations().length > 0);
  });
  expect(server.violations().join()).toMatch(/\$JS\.ACK\.hub\.\w+\.ORDERS/);
}, 90_000);

async function work(server: SecureServer, check: (unacknowledged: () => Promise<number>) => Promise<void>) {
  const dataDir = await mkdtemp(join(tmpdir(), "natstate-domain-"));
  const daemon = await startDaemonProcess({ ...server.env("processor"), NATSTATE_DATA: dataDir });
  const open = (role: "publisher" | "processor") =>
    openSession(
      { url: server.url(role), inboxPrefix: `_INBOX_${role}`, tls: { ca: server.tls.ca }, name: "test" },
      () => {},
    );
  const publisher = await open("publisher");
  const processor = await open("processor");
  try {
    const messages = traffic(10, 3);
    for (const { subject, body } of messages) await publisher.nc.request(subject, body, { timeout: 5000 });
    await check(async () => {
      let open = messages.length;
      for (let partition = 0; partition < 16; partition++) {
        const { ack_floor, num_ack_pending } = await processor.jsm.consumers.info("ORDERS", `orders-${partition}`);
        open += num_ack_pending - ack_floor.consumer_seq;
      }
      return open;
    });
  } finally {
    await publisher.close();
    await processor.close();
    await daemon.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}
