import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

/** Where servers of ours listen. */
export const LOOPBACK = "127.0.0.1";

/**
 * Asks a nats-server of this machine once whether it serves clients and JetStream answers.
 *
 * @param name - when given, a server of another name on that port does not count.
 * @returns false, after at least 20 ms (so that a caller can simply ask again), when it does not within 2 s.
 */
export async function answers(port: number, name?: string): Promise<boolean> {
  const pause = delay(20);
  try {
    const connection = await connect({ servers: `${LOOPBACK}:${port}`, reconnect: false, timeout: 2000 });
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

/** Finds a TCP port of this machine that nobody listens on; another process may take it before it is used. */
export async function freePort(): Promise<number> {
  await using listener = createServer().listen(0, LOOPBACK);
  await once(listener, "listening");
  return (listener.address() as AddressInfo).port;
}
