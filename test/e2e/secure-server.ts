import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectNats } from "../../src/jetstream/connect.ts";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import { freePort } from "../../src/nats-server/ready.ts";
import { until } from "../until.ts";

/** The users of docs/nats-secure.conf. */
export type Role = "processor" | "publisher" | "reader" | "operator";

/** A real nats-server that runs docs/nats-secure.conf as it is, but for where it listens and stores. */
export interface SecureServer extends AsyncDisposable {
  readonly port: number;
  /** Password of a role; no two are equal. */
  password(role: Role): string;
  /** With user and password. */
  url(role: Role): string;
  /** Environment of our own processes that act as a role. */
  env(role: Role): Record<string, string>;
  /** Permission violations the server has logged so far. */
  violations(): string[];
  readonly tls: TlsPaths;
}

/** Certificates of an authority of its own. */
export interface TlsPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const ROOT = join(import.meta.dirname, "../..");
const ROLES: readonly Role[] = ["processor", "publisher", "reader", "operator"];
/** Special characters where URLs allow them, so that their escaping is part of every test. */
const password = (role: Role) => `p@ss/${role}:geheim%`;

/** Makes an authority, and a certificate it has signed for `names`, with openssl. */
export function makeCertificates(directory: string, names = "DNS:localhost,IP:127.0.0.1"): TlsPaths {
  mkdirSync(directory, { recursive: true });
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  openssl("req", "-x509", ...ec, "-subj", "/CN=test authority", "-keyout", file("ca-key.pem"), "-out", file("ca.pem"));
  const signed = ["-CA", file("ca.pem"), "-CAkey", file("ca-key.pem"), "-addext", `subjectAltName=${names}`];
  openssl("req", "-x509", ...ec, ...signed, "-subj", "/CN=nats", "-keyout", file("key.pem"), "-out", file("cert.pem"));
  return { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") };
}

export interface SecureServerOptions {
  /** Text of the file, and what stands in its place. */
  readonly changes?: Readonly<Record<string, string>>;
  /** The certificate clients need, if the changes ask for one. */
  readonly clientTls?: Partial<TlsPaths>;
  /** The server's own certificate; by default one for `127.0.0.1` and `localhost`. */
  readonly tls?: TlsPaths;
  /** By which it is reached. */
  readonly host?: "127.0.0.1" | "localhost";
}

/** `await using server = await startSecureServer()`. */
export async function startSecureServer(options: SecureServerOptions = {}): Promise<SecureServer> {
  const { changes = {}, clientTls = {}, host = "127.0.0.1" } = options;
  const binary = await findServerBinary({ env: process.env });
  const directory = mkdtempSync(join(tmpdir(), "natstate-secure-"));
  const tls = options.tls ?? makeCertificates(join(directory, "tls"));
  const port = await freePort();
  const config = join(directory, "docs/nats-secure.conf");
  mkdirSync(join(directory, "docs"));
  cpSync(join(ROOT, "nats.conf"), join(directory, "nats.conf"));
  let text = readFileSync(join(ROOT, "docs/nats-secure.conf"), "utf8");
  for (const [from, to] of Object.entries(changes)) text = text.replace(from, to);
  const own = `listen: "127.0.0.1:${port}"\nstore_dir: ${JSON.stringify(join(directory, "store"))}\n`;
  writeFileSync(config, `${text}\n${own}`);

  const passwords = ROLES.map((role) => [`NATS_${role.toUpperCase()}_PASSWORD`, `'${password(role)}'`]);
  const env = { ...Object.fromEntries(passwords), NATS_TLS_CERT: tls.cert, NATS_TLS_KEY: tls.key };
  const child = spawn(binary.path, ["-c", config], { env, stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const url = (role: Role) => `tls://${role}:${encodeURIComponent(password(role))}@${host}:${port}`;

  await until("nats-server answers", async () => {
    if (child.exitCode !== null) throw new Error(`nats-server did not start:\n${log}`);
    if (!log.includes("Server is ready")) return false;
    const access = { inboxPrefix: "_INBOX_processor", tls: { ca: tls.ca, ...clientTls } };
    await (await connectNats({ url: url("processor"), ...access, name: "probe" })).close();
    return true;
  });
  return {
    port,
    tls,
    password,
    url,
    env: (role) => ({ NATS_URL: url(role), NATSTATE_INBOX_PREFIX: `_INBOX_${role}`, NATSTATE_TLS_CA: tls.ca }),
    violations: () => log.split("\n").filter((line) => /violation/i.test(line)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
