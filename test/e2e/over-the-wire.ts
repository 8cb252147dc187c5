import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll } from "vitest";
import type { StoredMessage } from "../../src/flow/delivery.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, openWorld, type World } from "./world.ts";

const BASE = Date.parse("2026-02-01T00:00:00Z");

/** A real daemon on a real nats-server, and messages sent to it one by one. */
export interface Wire {
  /** Only while tests run. */
  readonly world: World;
  /** Only while tests run. */
  readonly daemon: DaemonProcess;
  /** Publishes a message with these headers; resolves with its sequence in ORDERS. */
  send(subject: string, body: object | string | Uint8Array, given?: Record<string, string>): Promise<number>;
  /** Publishes an `event` under the subject of its order and type. */
  sendEvent(orderId: string, eventType: string, second: number, fields: object): Promise<number>;
  /** What the daemon says of an order. */
  order(id: string): ReturnType<typeof getJson>;
  /** An order's decisions as they stand in DECISIONS. */
  decisionsOf(id: string): Promise<{ body: Record<string, unknown>; message: StoredMessage }[]>;
}

/** An event's body; `second` counts from 2026-02-01T00:00:00Z. */
export function event(orderId: string, eventType: string, second: number, fields: object) {
  return { orderId, eventType, timestamp: new Date(BASE + second * 1000).toISOString(), ...fields };
}

/** Sets it up for the tests of one file, the daemon with these settings. */
export function useWire(settings: Record<string, string> = {}): Wire {
  let world: World;
  let daemon: DaemonProcess;

  beforeAll(async () => {
    world = await openWorld();
    daemon = await world.start(settings);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const send: Wire["send"] = async (subject, body, given = {}) => {
    const header = headers();
    for (const [name, value] of Object.entries(given)) header.set(name, value);
    const payload = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    return (await world.session.js.publish(subject, payload, { headers: header })).seq;
  };

  return {
    get world() {
      return world;
    },
    get daemon() {
      return daemon;
    },
    send,
    sendEvent: (orderId, eventType, second, fields) =>
      send(`orders.${orderId}.${eventType}`, event(orderId, eventType, second, fields)),
    order: (id) => getJson(daemon, `/api/orders/${id}`),
    async decisionsOf(id) {
      const messages = (await Array.fromAsync(readStream(world.session, "DECISIONS"))).flat();
      return messages
        .filter(({ subject }) => subject === `decisions.orders.${id}`)
        .map((message) => ({ body: JSON.parse(Buffer.from(message.body).toString()), message }));
    },
  };
}
