import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, TrafficMessage } from "../../src/actor/actor-type.ts";
import { openEventPublisher } from "../../src/jetstream/event-publisher.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { until } from "../until.ts";
import { type Ran, runCli } from "./cli-run.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";
import { type Role, type SecureServer, startSecureServer } from "./secure-server.ts";

const type = orderType as ActorType;
const ROLES = ["processor", "publisher", "reader", "operator"] as const;

/** A nats-server with the permissions of docs/nats-secure.conf, a daemon that is its processor, and a session of each role. */
export interface Roles {
  /** Only while tests run. */
  readonly server: SecureServer;
  /** Only while tests run. */
  readonly daemon: DaemonProcess;
  /** The daemon's. */
  readonly dataDir: string;
  /** The session of a role. */
  as(role: Role): Session;
  /** What a further session of a role needs besides its URL. */
  access(role: Role): { inboxPrefix: string; tls: { ca: string } };
  /** Runs a command as a role, with no store at hand. */
  cli(role: Role, ...args: string[]): Promise<Ran>;
  /** Publishes as a service would, each message until it is acknowledged. */
  publish(given: readonly TrafficMessage[]): Promise<void>;
  /** Everything stored is applied, every decision taken is published: as the streams and the daemon say. */
  settle(): Promise<void>;
  /** Messages of a stream. Asked as the only one who may ask that. */
  size(stream: string): Promise<number>;
  /** Messages of DECISIONS, as the reader sees them. */
  decisions(): Promise<number>;
  /** Kills the daemon, removes its store and starts it again. */
  loseStore(): Promise<void>;
}

/** Sets them up for the tests of one file. */
export function useRoles(): Roles {
  let server: SecureServer;
  let daemon: DaemonProcess;
  let dataDir: string;
  const sessions = new Map<Role, Session>();

  const access = (role: Role) => ({ inboxPrefix: `_INBOX_${role}`, tls: { ca: server.tls.ca } });
  const startAsProcessor = () =>
    startDaemonProcess({ ...server.env("processor"), NATSTATE_DATA: dataDir, NATSTATE_SCRUB_INTERVAL: "20ms" });

  beforeAll(async () => {
    server = await startSecureServer();
    dataDir = await mkdtemp(join(tmpdir(), "natstate-permissions-"));
    daemon = await startAsProcessor();
    for (const role of ROLES) {
      sessions.set(role, await openSession({ url: server.url(role), ...access(role), name: role }, () => {}));
    }
  });

  afterAll(async () => {
    for (const session of sessions.values()) await session.close();
    await daemon?.stop();
    await server?.[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  });

  function as(role: Role): Session {
    const session = sessions.get(role);
    if (session === undefined) throw new Error(`no session of ${role}`);
    return session;
  }

  return {
    ...countsOf(as),
    get server() {
      return server;
    },
    get daemon() {
      return daemon;
    },
    get dataDir() {
      return dataDir;
    },
    as,
    access,
    cli: (role, ...args) => runCli(args, { ...server.env(role), NATSTATE_DATA: `${dataDir}/none` }),
    async publish(given) {
      const publisher = await openEventPublisher(type, {
        url: server.url("publisher"),
        ...access("publisher"),
        name: "services",
      });
      await Promise.all(given.map((message) => publisher.publish(message)));
      await publisher.close();
    },
    async loseStore() {
      await daemon.kill9();
      rmSync(dataDir, { recursive: true });
      daemon = await startAsProcessor();
    },
  };
}

/** How much there is, each asked as a role that may ask it. */
function countsOf(as: Roles["as"]): Pick<Roles, "size" | "decisions" | "settle"> {
  const size = async (stream: string) => (await as("processor").jsm.streams.info(stream)).state.messages;
  const decisions = async () => (await as("reader").jsm.streams.info("DECISIONS")).state.messages;
  return {
    size,
    decisions,
    async settle(): Promise<void> {
      const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0);
      const queries = createQueryClient(as("reader"));
      await until(
        "settled",
        async () => {
          const { events, deadLetters, decisions: taken } = await queries.stats(type);
          return (
            sum(events) + sum(deadLetters.byReason) >= (await size("ORDERS")) &&
            (await size("DEAD_LETTERS")) >= sum(deadLetters.byReason) &&
            (await decisions()) >= sum(taken.byType)
          );
        },
        25_000,
      );
    },
  };
}
