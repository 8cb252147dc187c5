import { refuse } from "./answering.ts";
import { addProbes } from "./routes.ts";
import { type DoorOptions, type HttpServer, listen } from "./server.ts";
import type { Sources } from "./sources.ts";

export interface WaitingServerOptions extends DoorOptions, Pick<Sources, "metrics"> {
  /** For a person: what the start waits for. */
  readonly why: () => string;
}

/**
 * What is said over HTTP while the start waits for NATS: that natstate lives, that it is not ready and why, and metrics
 * that say the same. Everything else is 503 `unavailable`.
 *
 * @throws HttpServerError when it cannot listen there.
 */
export function createWaitingServer(options: WaitingServerOptions): Promise<HttpServer> {
  const { why, metrics } = options;
  return listen(options, (app) => {
    const ready = () => ({ ready: false, checks: { nats: { ok: false, detail: why() } } });
    addProbes(app, { metrics, health: { live: () => true, ready } });
    app.get("*", (_request, reply) => refuse(reply, 503, "unavailable", `natstate is starting: ${why()}`));
  });
}
