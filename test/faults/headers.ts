import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { until } from "../until.ts";
import { decidable } from "./events.ts";
import type { Fault } from "./fault.ts";
import { pause } from "./processes.ts";
import type { World } from "./world.ts";

const PATIENCE_MS = 60_000;
const BURST = 600;
const EMPTY_HEADERS = 9000;
/** What a good order's decision may take beside the burst, ms. */
const MOST_P99_MS = 2000;
const MEASURED = 100;

/** Headers that only a hostile publisher writes. */
export const headers: readonly Fault[] = [
  {
    name: "header-burst",
    about: `${BURST} messages with ${EMPTY_HEADERS} empty headers each: dead letters, and a good order's decision within ${MOST_P99_MS} ms`,
    leastStrikes: BURST,
    async strike(world) {
      await world.start();
      await world.publish(world.traffic(60));
      await world.settle();
      const burst = sendBurst(world);
      // Should a decision not come, that is what is told.
      burst.catch(() => {});
      const latencies: number[] = [];
      for (let order = 0; order < MEASURED; order++) latencies.push(await decisionMs(world, `good-${order}`));
      await burst;
      latencies.sort((a, b) => a - b);
      const [half = 0, p99 = 0] = [latencies[MEASURED / 2], latencies.at(-2)];
      world.note(`decisions beside the burst: p50 ${Math.round(half)} ms, p99 ${Math.round(p99)} ms`);
      await world.settle();
      if (p99 > MOST_P99_MS) throw new Error(`beside the burst a decision takes ${Math.round(p99)} ms (p99)`);
    },
  },
];

/** Straight into the socket: no client would write it. */
async function sendBurst(world: World): Promise<void> {
  const socket = connect(world.server.port, "127.0.0.1");
  let answers = "";
  socket.on("data", (data) => (answers += data));
  await once(socket, "connect");
  socket.write('CONNECT {"verbose":false,"headers":true}\r\n');
  const names = Array.from({ length: EMPTY_HEADERS }, (_, index) => `${index.toString(36)}:\r\n`).join("");
  const header = `NATS/1.0\r\n${names}\r\n`;
  for (let index = 0; index < BURST; index++) {
    const [{ subject, body }] = decidable(`burst-${index}`) as [TrafficMessage];
    await write(socket, `HPUB ${subject} ${header.length} ${header.length + body.length}\r\n${header}${body}\r\n`);
    world.struck();
    if (index % 50 === 49) await pause(100);
  }
  socket.write("PING\r\n");
  await until("the server has taken the burst", () => answers.includes("PONG"), PATIENCE_MS);
  socket.destroy();
}

async function write(socket: Socket, text: string): Promise<void> {
  if (!socket.write(text)) await once(socket, "drain");
}

/** From the publication of what it follows from to that of the decision. */
async function decisionMs(world: World, orderId: string): Promise<number> {
  const decided = world.session.nc.subscribe(`decisions.orders.${orderId}`, { max: 1, timeout: PATIENCE_MS });
  const startedMs = performance.now();
  await world.publish(decidable(orderId));
  try {
    for await (const _ of decided) break;
  } catch (error) {
    throw new Error(`no decision on ${orderId} in ${PATIENCE_MS} ms`, { cause: error });
  }
  return performance.now() - startedMs;
}
