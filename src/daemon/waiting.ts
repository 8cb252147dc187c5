import type { HttpServer } from "../console/server.ts";
import { createWaitingServer } from "../console/waiting-server.ts";
import { createPatience } from "../jetstream/patience.ts";
import type { DaemonOptions, Parts } from "./parts.ts";

/** A start that waits for NATS, and says so in the log and over HTTP. */
export type Waiting = ReturnType<typeof createWaiting>;

export function createWaiting(
  { config, logger, metrics, siblings }: Pick<Parts, "config" | "logger" | "metrics" | "siblings">,
  { mayWait = true, signal }: Pick<DaemonOptions, "mayWait" | "signal">,
) {
  let reason: string | undefined;
  let door: HttpServer | undefined;

  async function onWaiting(because: string, isNew: boolean): Promise<void> {
    reason = because;
    if (isNew) logger.warn(`waiting for NATS, natstate is not ready: ${because}`);
    await openDoor();
  }

  async function openDoor(): Promise<void> {
    if (config.NATSTATE_HTTP === null || door !== undefined) return;
    door = await createWaitingServer({
      ...config.NATSTATE_HTTP,
      token: config.NATSTATE_HTTP_TOKEN,
      furtherHosts: config.NATSTATE_HTTP_HOSTS,
      why: () => reason ?? "it joins the others",
      metrics: metrics.render,
    });
  }

  async function close(): Promise<void> {
    await door?.close();
    door = undefined;
  }

  return {
    patiently: createPatience({ mayWait, signal, onWaiting }),
    /**
     * Takes the address of the HTTP API, before others hear of this daemon: one that nobody can reach must not be given
     * partitions. One of several shares the port with them.
     *
     * @throws HttpServerError when it cannot listen there.
     */
    async takeAddress(): Promise<void> {
      if (siblings === undefined) await openDoor();
    },
    /** NATS has answered everything. */
    async end(): Promise<void> {
      if (reason !== undefined) logger.info("NATS answers, waiting is over");
      await close();
    },
    /** Frees the address of the HTTP API. */
    close,
  };
}

/**
 * Looks whether the address of several daemons is free, before any of them begins: each takes it when it has partitions, and
 * those that nobody can reach must not be given any.
 *
 * @throws HttpServerError when nobody can listen there.
 */
export async function tryAddress({
  NATSTATE_HTTP: address,
  NATSTATE_HTTP_TOKEN: token,
}: Pick<Parts["config"], "NATSTATE_HTTP" | "NATSTATE_HTTP_TOKEN">): Promise<void> {
  if (address === null) return;
  const metrics = async () => ({ contentType: "text/plain", body: "" });
  const door = await createWaitingServer({ ...address, token, metrics, why: () => "its daemons begin" });
  await door.close();
}
