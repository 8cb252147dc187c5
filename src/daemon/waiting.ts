import type { HttpServer } from "../console/server.ts";
import { createWaitingServer } from "../console/waiting-server.ts";
import { createPatience, type Patience } from "../jetstream/patience.ts";
import type { DaemonOptions, Parts } from "./parts.ts";

/** A start that waits for NATS, and says so in the log and over HTTP. */
export interface Waiting {
  readonly patiently: Patience;
  /** NATS has answered everything. */
  end(): Promise<void>;
  /** Frees the address of the HTTP API. */
  close(): Promise<void>;
}

export function createWaiting(
  { config, logger, metrics }: Pick<Parts, "config" | "logger" | "metrics">,
  { mayWait = true, signal }: Pick<DaemonOptions, "mayWait" | "signal">,
): Waiting {
  let reason: string | undefined;
  let door: HttpServer | undefined;

  async function onWaiting(because: string, isNew: boolean): Promise<void> {
    reason = because;
    if (isNew) logger.warn(`waiting for NATS, natstate is not ready: ${because}`);
    if (config.NATSTATE_HTTP === null || door !== undefined) return;
    door = await createWaitingServer({
      ...config.NATSTATE_HTTP,
      token: config.NATSTATE_HTTP_TOKEN,
      furtherHosts: config.NATSTATE_HTTP_HOSTS,
      why: () => reason ?? "",
      metrics: metrics.render,
    });
  }

  async function close(): Promise<void> {
    await door?.close();
    door = undefined;
  }

  return {
    patiently: createPatience({ mayWait, signal, onWaiting }),
    async end() {
      if (reason !== undefined) logger.info("NATS answers, waiting is over");
      await close();
    },
    close,
  };
}
