import pino from "pino";
import { actorTypes } from "../../machines/registry.ts";
import { readConfig } from "../../src/config/config.ts";
import { startDaemon } from "../../src/daemon/daemon.ts";
import { obeyParent, readInput } from "./child.ts";

/*
 * (b) natstate itself: the daemon in its default configuration, API and metrics on, log level warn; NATSTATE_HOT_ACTORS if
 * it is set.
 */
const { natsUrl, dataDir } = readInput();
const env = {
  NATS_URL: natsUrl,
  NATSTATE_DATA: dataDir,
  NATSTATE_HTTP: "127.0.0.1:0",
  NATSTATE_LOG_LEVEL: "warn",
  NATSTATE_HOT_ACTORS: process.env.NATSTATE_HOT_ACTORS,
};
const daemon = await startDaemon({
  config: readConfig(env),
  env,
  types: actorTypes,
  logger: pino({ level: env.NATSTATE_LOG_LEVEL }),
  onFatal(error) {
    throw error;
  },
});
obeyParent(() => daemon.stop());
