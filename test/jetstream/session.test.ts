import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { connectElsewhere } from "../../src/jetstream/connect.ts";
import { mayPass } from "../../src/jetstream/patience.ts";
import { permissionError } from "../../src/jetstream/permission.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import { freePort } from "../../src/nats-server/ready.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";

type KeyPair = ReturnType<typeof nkeys.createUser>;

const LOGIN = (password: string) => ({
  "ping_max: 3": `ping_max: 3\nauthorization { user: me, password: ${password} }`,
});

it("credentials that a server refuses until it is reloaded once more do not end a connection, and are said once", async () => {
  await using server = await startTestServer();
  const told: string[] = [];
  const url = server.url.replace("nats://", "nats://me:first@");
  const session = await openSession({ url, name: "test" }, (event, why = "") => told.push(`${event} ${why}`));
  const reload = async (password: string) => {
    await server.configure(LOGIN(password));
    server.signal("SIGHUP");
  };
  await reload("second");
  await until("it is refused", () => session.refusal() !== undefined);
  // The client's own rule gives up at the second refusal in a row.
  await moreAttempts(session, 2);
  await reload("first");
  await until("it is back", () => session.isConnected());
  expect(await session.jsm.getAccountInfo()).toBeDefined();
  expect(told.toSorted()).toEqual([
    "disconnected ",
    "reconnected ",
    expect.stringMatching(/^refused.*Authorization Violation/),
  ]);
  expect(session.refusal()).toBeUndefined();
  await session.close();
});

it("a .creds file that is renewed after it has expired is taken up", async () => {
  const directory = mkdtempSync(join(tmpdir(), "natstate-expired-"));
  await using server = await startOperatorServer(directory);
  const path = join(directory, "user.creds");
  const told: string[] = [];
  // A machine that is shared by many may take longer to connect than they are good for.
  const session = await until("it is connected", () => {
    writeFileSync(path, server.creds(3));
    const access = { url: server.url, creds: path, name: "test" };
    return openSession(access, (event) => told.push(event)).catch(() => undefined);
  });
  await until("it is refused", () => session.refusal());
  expect(session.refusal()).toMatch(/Expired|Violation/i);
  await moreAttempts(session, 2);
  writeFileSync(path, server.creds(3600));
  await until("it is back", () => session.isConnected());
  expect(await session.jsm.getAccountInfo()).toBeDefined();
  // In the second in which it expires the server may let it in for a moment.
  const turns = told.filter((event) => event !== "refused");
  expect(turns).toEqual(turns.map((_, index) => (index % 2 === 0 ? "disconnected" : "reconnected")));
  await session.close();
});

it("a user who may not ask JetStream is told so, not that it is away", async () => {
  const rules = `{ user: me, password: pw, permissions: { publish: { allow: ">", deny: "$JS.API.INFO" } } }`;
  const users = `no_auth_user: all\nauthorization { users: [ { user: all, password: pw }, ${rules} ] }`;
  await using server = await startTestServer({ "ping_max: 3": `ping_max: 3\n${users}` });
  const url = server.url.replace("nats://", "nats://me:pw@");
  const error = await openSession({ url, name: "test" }, () => {}).catch((refused: Error) => refused);
  expect(permissionError(error as Error)?.message).toMatch(/Permissions Violation for Publish to "\$JS.API.INFO"/);
  expect(mayPass(error)).toBe(false);
});

async function moreAttempts({ nc }: Session, count: number): Promise<void> {
  let attempts = 0;
  for await (const { type } of nc.status()) if (type === "reconnecting" && ++attempts === count) return;
}

/** A server that knows its users by signed tokens that expire, as most shared ones do. */
async function startOperatorServer(directory: string) {
  const [operator, system, account] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const limits = { subs: -1, data: -1, payload: -1, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const port = await freePort();
  const accounts = {
    [system.getPublicKey()]: token(operator, system, { type: "account", limits }),
    [account.getPublicKey()]: token(operator, account, { type: "account", limits: { ...limits, ...storage } }),
  };
  const config = join(directory, "server.conf");
  writeFileSync(
    config,
    [
      `listen: "127.0.0.1:${port}"`,
      `jetstream { store_dir: "${directory}" }`,
      `operator: ${token(operator, operator, { type: "operator" })}`,
      `system_account: ${system.getPublicKey()}`,
      "resolver: MEMORY",
      `resolver_preload: ${JSON.stringify(accounts)}`,
    ].join("\n"),
  );
  const { path } = await findServerBinary({ env: process.env });
  const child = spawn(path, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  await until("nats-server is up", () => log.includes("Server is ready")).catch((error: Error) => {
    throw new Error(`${error.message}\n${log}`);
  });
  return {
    url: `nats://127.0.0.1:${port}`,
    /** @param seconds - for which they are good. */
    creds(seconds: number): string {
      const user = nkeys.createUser();
      const jwt = token(account, user, { type: "user", subs: -1, data: -1, payload: -1 }, seconds);
      const seed = new TextDecoder().decode(user.getSeed());
      return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** As NATS signs them: JWT with the algorithm `ed25519-nkey`. */
function token(issuer: KeyPair, subject: KeyPair, nats: object, seconds?: number): string {
  const iat = Math.floor(Date.now() / 1000);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const claims = {
    ...{ jti: `${iat}`, iat, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), name: "test" },
    ...(seconds === undefined ? {} : { exp: iat + seconds }),
    nats: { version: 2, ...nats },
  };
  const signed = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(claims)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}

/** Sooner the client does not go to a server again to which it has just connected. */
const SETTLED_MS = 600;

it("a server under another name is no other one", async () => {
  await using server = await startTestServer();
  await using other = await startTestServer();
  const alias = `localhost:${server.port}`;
  const alone = await openSession({ url: `${server.url},${alias}`, name: "test" }, () => {});
  expect(await alone.connectElsewhere(1000)).toBeUndefined();
  await alone.close();
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  // However it is written.
  const options = { url: `${alias.toUpperCase()},LocalHost:${server.port},${other.url}`, name: "test" };
  for (let time = 0; time < 4; time++) {
    const found = await connectElsewhere(session.nc, options, 1000);
    expect(found?.info?.port).toBe(other.port);
    await found?.close();
  }
  await session.close();
});

it("who leaves a server for a better one is connected to that one", async () => {
  await using one = await startTestServer();
  await using other = await startTestServer();
  await using third = await startTestServer();
  const servers = [one, other, third];
  const url = servers.map((server) => server.url).join();
  for (const { port } of servers) {
    let hasMoved = false;
    const session = await openSession({ url, name: "test" }, (event) => {
      hasMoved ||= event === "moved";
    });
    const better = `127.0.0.1:${port}`;
    if (session.nc.getServer() !== better) {
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
      session.leaveServer(better);
      await until("it has moved", () => hasMoved);
      expect(session.nc.getServer()).toBe(better);
    }
    await session.close();
  }
});

it("who leaves a server is connected to another one then, not to the same once more", async () => {
  await using one = await startTestServer();
  await using other = await startTestServer();
  const moved: string[] = [];
  const url = `${one.url},${other.url}`;
  const session = await openSession({ url, name: "test" }, (event) => {
    if (event === "moved") moved.push(session.nc.getServer());
  });
  const left = session.nc.getServer();
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  session.leaveServer();
  await until("it has moved", () => moved.length > 0);
  expect(moved).not.toContain(left);
  await session.close();
});
