import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectNats } from "../../src/jetstream/connect.ts";
import { makeCertificates, type SecureServer, startSecureServer } from "./secure-server.ts";

let directory: string;
let server: SecureServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "natstate-tls-"));
  const clients = makeCertificates(join(directory, "clients"), "DNS:client");
  // As the comments in docs/nats-secure.conf say it is done.
  server = await startSecureServer({
    changes: {
      '  # ca_file: "clients-ca.pem"\n  # verify: true': `  ca_file: ${JSON.stringify(clients.ca)}\n  verify: true`,
    },
    clientTls: { cert: clients.cert, key: clients.key },
  });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const client = () => ({ cert: join(directory, "clients/cert.pem"), key: join(directory, "clients/key.pem") });

function connectTo(host: string, tls: { ca?: string; cert?: string; key?: string }) {
  const url = server.url("publisher").replace("127.0.0.1", host);
  return connectNats({ url, inboxPrefix: "_INBOX_publisher", tls, name: "tls test", timeoutMs: 1500 });
}

it.each(["127.0.0.1", "localhost"])(
  "a certificate that is the server's and an authority's that is ours connect to %s",
  async (host) => {
    const connection = await connectTo(host, { ca: server.tls.ca, ...client() });
    expect(connection.info?.tls_required).toBe(true);
    await connection.close();
  },
);

it("a client without a certificate is refused where the server asks for one", async () => {
  await expect(connectTo("127.0.0.1", { ca: server.tls.ca })).rejects.toThrow(/no NATS connection/);
});

it("a server whose certificate nobody we know has signed is refused", async () => {
  await expect(connectTo("127.0.0.1", client())).rejects.toThrow(/certificate/i);
});

it("a certificate file that is not there is named", async () => {
  await expect(connectTo("127.0.0.1", { ca: "/nowhere/ca.pem" })).rejects.toThrow("/nowhere/ca.pem");
});

it.each([
  ["127.0.0.1", "localhost", "DNS:localhost"],
  ["localhost", "127.0.0.1", "IP:127.0.0.1"],
] as const)("asked for %s, a server with a certificate for %s is refused", async (asked, host, names) => {
  const tls = makeCertificates(join(directory, host), names);
  await using other = await startSecureServer({ tls, host });
  const url = other.url("publisher").replace(host, asked);
  const connecting = connectNats({ url, tls: { ca: tls.ca }, name: "tls test", timeoutMs: 3000 });
  await expect(connecting).rejects.toThrow(/not in the cert|does not match certificate/i);
});

it("a server without TLS is told no password when TLS was asked for", async () => {
  let heard = "";
  const plain = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      heard += chunk;
    });
    socket.write('INFO {"server_id":"x","version":"2.15.1","proto":1,"headers":true,"max_payload":1048576}\r\n');
  });
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  const { port } = plain.address() as { port: number };
  for (const [url, tls] of [
    [`tls://user:geheim@127.0.0.1:${port}`, undefined],
    [`nats://user:geheim@127.0.0.1:${port}`, { ca: server.tls.ca }],
  ] as const) {
    await expect(connectNats({ url, tls, name: "tls test", timeoutMs: 1000 })).rejects.toThrow(/tls/i);
  }
  plain.close();
  expect(heard).not.toContain("geheim");
});
