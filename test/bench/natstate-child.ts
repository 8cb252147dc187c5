import pino from "pino";
import { actorTypes } from "../../machines/registry.ts";
import { readConfig } from "../../src/config/config.ts";
import { openDaemon } from "../../src/daemon/daemon.ts";
import { boundHeap } from "../../src/daemon/heap.ts";
import { obeyParent, readInput } from "./child.ts";
import { growingDevice } from "./growth-traffic.ts";
import { watchStalls } from "./stalls.ts";

/*
 * (b) natstate itself: the daemon in its default configuration, API and metrics on, log level warn; NATSTATE_HOT_ACTORS,
 * NATSTATE_SCRUB_INTERVAL and NATSTATE_LOG_LEVEL if they are set. BENCH_ACTORS=device: with the device that `--growth` has, in
 * place of the order. BENCH_STALLS: it notes what holds it up.
 */
const { natsUrl, dataDir } = readInput();
boundHeap();
// Before the first statement is prepared.
const stalls = process.env.BENCH_STALLS === undefined ? undefined : watchStalls();
const env = {
  NATS_URL: natsUrl,
  NATSTATE_DATA: dataDir,
  NATSTATE_HTTP: "127.0.0.1:0",
  NATSTATE_LOG_LEVEL: process.env.NATSTATE_LOG_LEVEL ?? "warn",
  NATSTATE_HOT_ACTORS: process.env.NATSTATE_HOT_ACTORS,
  NATSTATE_SCRUB_INTERVAL: process.env.NATSTATE_SCRUB_INTERVAL,
};
const daemon = await openDaemon({
  config: readConfig(env),
  env,
  types: process.env.BENCH_ACTORS === "device" ? [growingDevice] : actorTypes,
  logger: pino({ level: env.NATSTATE_LOG_LEVEL }),
  onFatal(error) {
    throw error;
  },
});
obeyParent(() => daemon.stop(), stalls);
