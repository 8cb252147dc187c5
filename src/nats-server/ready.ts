import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

/** Where a server is asked, and as whom. */
export interface ServerAddress {
  host: string;
  port: number;
  /** Set when the server wants one. */
  token?: string;
  /** When given, a server of another name on that port does not count. */
  name?: string;
}

/**
 * Asks a nats-server once whether it serves clients and JetStream answers.
 *
 * @returns false, after at least 20 ms (so that a caller can simply ask again), when it does not within 2 s.
 */
export async function answers({ host, port, token, name }: ServerAddress): Promise<boolean> {
  const pause = delay(20);
  try {
    const connection = await connect({ servers: `${host}:${port}`, token, reconnect: false, timeout: 2000 });
    try {
      if (name && connection.info?.server_name !== name) return false;
      await (await jetstreamManager(connection, { timeout: 2000 })).getAccountInfo();
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    await pause;
    return false;
  }
}

/**
 * Finds a TCP port nobody listens on.
 *
 * The port is free when this resolves; another process may take it before it is used.
 */
export function freePort(host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.once("error", reject);
    listener.listen(0, host, () => {
      const address = listener.address();
      listener.close(() => {
        if (address && typeof address === "object") resolve(address.port);
        else reject(new Error(`no free port on ${host}`));
      });
    });
  });
}
