import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import { freePort } from "../../src/nats-server/ready.ts";
import { runCli } from "../e2e/cli-run.ts";
import { startDaemonProcess } from "../e2e/daemon-process.ts";
import { until } from "../until.ts";
import { DEPLOY, ROOT, readCompose, readDeploy } from "./files.ts";

const NODES = ["nats-1", "nats-2", "nats-3"] as const;

it("compose.yaml's nodes make a cluster under nats-cluster.conf, and its daemon has all it needs there", async () => {
  await using cluster = await startComposeCluster();
  const dataDir = join(cluster.directory, "natstate");
  const daemon = await startDaemonProcess({
    ...cluster.environment("natstate-1"),
    NATSTATE_DATA: dataDir,
    NATSTATE_HTTP: "127.0.0.1:0",
  });
  try {
    const as = (role: string) => ({
      NATS_URL: cluster.url(role),
      NATSTATE_INBOX_PREFIX: `_INBOX_${role}`,
      NATSTATE_TLS_CA: cluster.secret("ca.pem"),
      NATSTATE_DATA: join(cluster.directory, "none"),
    });
    for (const [type, fields] of [
      ["PaymentProcessed", { amount: 20, status: "successful" }],
      ["InventoryReserved", { reservedItems: { "sku-1": 2 }, warehouseId: "west" }],
    ] as const) {
      const published = await runCli(["publish", "my-1", type, JSON.stringify(fields)], as("publisher"));
      expect(published.code, published.stderr).toBe(0);
    }
    await until("the order is decided", async () => {
      const { stdout } = await runCli(["get", "my-1", "--json"], as("reader"));
      return stdout.includes("OrderConfirmed");
    });
    expect(
      cluster
        .log()
        .split("\n")
        .filter((line) => /violation/i.test(line)),
    ).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  } finally {
    await daemon.kill9();
  }
});

/** The nodes of compose.yaml as processes on loopback, each with the environment and the files that it has there. */
async function startComposeCluster() {
  const directory = mkdtempSync(join(tmpdir(), "natstate-compose-"));
  const secret = (name: string) => join(directory, "secrets", name);
  execFileSync(join(DEPLOY, "make-secrets.sh"), [join(directory, "secrets")]);
  const { path } = await findServerBinary({ env: process.env });
  const ports = await Promise.all(NODES.map(async () => ({ client: await freePort(), route: await freePort() })));
  const passwords = Object.fromEntries(
    readFileSync(secret("passwords.env"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split("=") as [string, string]),
  );
  const compose = readCompose();
  const nodesUrl = readFileSync(secret("nats-url"), "utf8");
  writeFileSync(
    secret("nats-url"),
    atLoopback(nodesUrl, ({ client }) => client),
  );

  /** What compose makes of a service's environment: variables filled in, secrets where they are here. */
  function environment(service: string): Record<string, string> {
    const { environment: given = {}, secrets = [] } = compose.services[service] ?? {};
    const mounted = secrets.map((one) => (typeof one === "string" ? { source: one, target: one } : one));
    const fill = (value: string) => {
      let text = value.replace(/\$\{(\w+)[^}]*\}/g, (_, name) => passwords[name] ?? "");
      for (const { source, target } of mounted) {
        const file = compose.secrets[source]?.file.replace("./secrets/", "") ?? "";
        text = text.replace(`/run/secrets/${target}`, secret(file));
      }
      return text;
    };
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, fill(value)]));
  }

  function atLoopback(text: string, port: (of: (typeof ports)[number]) => number): string {
    return text.replace(/(nats-[123]):\d+/g, (_, node) => `127.0.0.1:${port(ports[NODES.indexOf(node)] as never)}`);
  }

  let log = "";
  const children: ChildProcess[] = NODES.map((node, index) => {
    const home = join(directory, node);
    mkdirSync(join(home, "examples/deploy"), { recursive: true });
    for (const file of ["nats.conf", "docs/nats-secure.conf"]) cpSync(join(ROOT, file), join(home, file));
    const { client, route } = ports[index] as (typeof ports)[number];
    const config = join(home, "examples/deploy/nats-cluster.conf");
    const text = atLoopback(readDeploy("nats-cluster.conf"), (of) => of.route)
      .replace("0.0.0.0:6222", `127.0.0.1:${route}`)
      .replace('"/data"', JSON.stringify(join(home, "data")));
    writeFileSync(config, `${text}\nlisten: "127.0.0.1:${client}"\n`);
    const child = spawn(path, ["-c", config], { env: environment(node), stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.on("data", (chunk) => (log += chunk));
    return child;
  });
  return {
    directory,
    secret,
    environment,
    log: () => log,
    url: (role: string) =>
      `tls://${role}:${passwords[`NATS_${role.toUpperCase()}_PASSWORD`]}@127.0.0.1:${ports[0]?.client}`,
    async [Symbol.asyncDispose]() {
      for (const child of children) {
        const exited = once(child, "exit");
        if (child.kill("SIGKILL")) await exited;
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
