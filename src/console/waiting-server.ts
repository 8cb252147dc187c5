import { refuse } from "./answering.ts";
import { type DoorOptions, type HttpServer, listen } from "./server.ts";

export interface WaitingServerOptions extends DoorOptions {
  /** For a person: what the start waits for. */
  readonly why: () => string;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
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
    app.get("/livez", (_request, reply) => reply.send({ live: true }));
    app.get("/readyz", (_request, reply) =>
      reply.code(503).send({ ready: false, checks: { nats: { ok: false, detail: why() } } }),
    );
    app.get("/metrics", async (_request, reply) => {
      const { contentType, body } = await metrics();
      return reply.type(contentType).send(body);
    });
    app.get("*", (_request, reply) => refuse(reply, 503, "unavailable", `natstate is starting: ${why()}`));
  });
}
