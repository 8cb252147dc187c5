import type { Socket } from "node:net";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { QueryError } from "../answers/query-error.ts";
import { BusyError } from "../answers/questions.ts";
import { refuse } from "./answering.ts";
import { createChangeGuard } from "./guard.ts";
import { createHostGuard, isWildcard } from "./host-guard.ts";
import { addInspectRoutes, type InspectSources } from "./inspect-routes.ts";
import { addPageRoutes, type PageSources } from "./page-routes.ts";
import { addRoutes } from "./routes.ts";
import { CHALLENGES, createSlowdown, createTokenGuard, type TokenGuard } from "./token-guard.ts";

export interface HttpServer {
  /** Without a trailing slash; for a wildcard address the loopback one. */
  readonly url: string;
  readonly port: number;
  /** Lets open requests finish for a moment, then cuts them off; resolves within 2 s. */
  close(): Promise<void>;
}

/** Where it listens, and who may ask. */
export interface DoorOptions {
  /** Name or address to listen on; on loopback anyone on this machine can read everything. */
  readonly host: string;
  /** Asked for by what changes something; elsewhere than on loopback by everything, and nothing is answered without. */
  readonly token?: string | undefined;
  /** Names by which it is reached beside `host`, in lower case. */
  readonly furtherHosts?: readonly string[] | undefined;
  /** How long the answer to a wrong token waits, in ms; by default as `createSlowdown` has it. */
  readonly slowDown?: () => number;
  /** See `createChangeGuard`. */
  readonly pageToken?: string | undefined;
  /** 0 picks a free one. */
  readonly port: number;
  /** Told of failures that are answered with 500. */
  readonly onError?: (error: Error, path: string) => void;
}

export interface HttpServerOptions extends DoorOptions, PageSources, InspectSources {}

/** The server cannot listen; the message says what to do. */
export class HttpServerError extends Error {
  override readonly name = "HttpServerError";
}

const CLOSE_AFTER_MS = 1500;
const IDLE_MS = 30_000;
/** Far more than people and scrapers need; further ones are closed at once. */
const MAX_CONNECTIONS = 512;

/** An answer is for whoever asked, now: not to be kept, framed, sniffed or embedded by another origin. */
const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * Serves the HTTP API (docs/wire.md) and the console. Who may ask: `host-guard.ts` (is it meant for us?), then
 * `token-guard.ts`; who may change something: `guard.ts`.
 *
 * Errors are `{ error: { code, message } }`: 400 `bad_request`, 401 `unauthorized`, 403 `forbidden`, 404 `not_found`,
 * 405 `method_not_allowed`, 421 `misdirected_request` (a Host header that is not ours), 500 `internal`,
 * 503 `unavailable`.
 *
 * @throws HttpServerError when it cannot listen there.
 */
export function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  return listen(options, (app, tokens) => {
    addRoutes(app, options);
    addInspectRoutes(app, options);
    addPageRoutes(app, options, createChangeGuard(tokens, options.pageToken));
  });
}

/**
 * Listens with the guards and limits that every answer of ours has.
 *
 * @throws HttpServerError
 */
export async function listen(
  options: DoorOptions,
  addAnswers: (app: FastifyInstance, tokens: TokenGuard) => void,
): Promise<HttpServer> {
  const { port } = options;
  // Fastify would listen on every address of the name, on servers that close() does not reach.
  const host = options.host === "localhost" ? "127.0.0.1" : options.host;
  const app = createApp();
  const tokens = createTokenGuard(options.host, options.token);
  refusePipelining(app);
  addGuards(app, options, tokens);
  addErrorAnswers(app, options);
  addAnswers(app, tokens);
  app.server.maxConnections = MAX_CONNECTIONS;
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw new HttpServerError(explain(error as NodeJS.ErrnoException, host, port), { cause: error });
  }
  const address = app.server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: urlOf(host, actualPort),
    port: actualPort,
    async close() {
      const cutOff = setTimeout(() => app.server.closeAllConnections(), CLOSE_AFTER_MS);
      await app.close();
      clearTimeout(cutOff);
    },
  };
}

/** Nothing here is large or slow, so the limits are tight. */
function createApp(): FastifyInstance {
  return fastify({
    bodyLimit: 1024,
    requestTimeout: 10_000,
    // A reader that takes nothing for this long is dropped, and what waits for it.
    connectionTimeout: IDLE_MS,
    keepAliveTimeout: 5000,
    http: { headersTimeout: 5000, connectionsCheckingInterval: 1000, maxHeaderSize: 8192 },
    // A too long id is simply an unknown one; the header limit bounds it.
    routerOptions: { maxParamLength: 8192 },
    frameworkErrors: (_error, _request, reply) =>
      void refuse(reply, 400, "bad_request", "the URL is not one: check its % escapes"),
  });
}

/**
 * Whoever asks on before having read the answer is cut off: thousands of answers would wait in memory. Browsers,
 * scrapers and scripts never do.
 */
function refusePipelining(app: FastifyInstance): void {
  const busy = new WeakSet<Socket>();
  app.addHook("onRequest", (request, reply, next) => {
    const { socket } = request.raw;
    if (busy.has(socket)) {
      reply.hijack();
      socket.destroy();
      return;
    }
    busy.add(socket);
    reply.raw.once("close", () => busy.delete(socket));
    next();
  });
}

function addGuards(app: FastifyInstance, options: DoorOptions, tokens: TokenGuard): void {
  const { host, furtherHosts, slowDown = createSlowdown() } = options;
  const isOurs = createHostGuard(host, furtherHosts);
  const admits = ({ method, headers }: FastifyRequest) => tokens.admits(method, headers);
  app.addHook("preSerialization", (request, _reply, answer, next) => {
    next(null, isOpenProbe(request) && !admits(request) ? onlyWhether(answer as object) : answer);
  });
  app.addHook("onRequest", (request, reply, next) => {
    reply.headers(SECURITY_HEADERS);
    if (!isOurs(request.headers.host)) {
      refuse(
        reply,
        421,
        "misdirected_request",
        "the Host header names another server; ask for localhost, the address natstate listens on, or one of NATSTATE_HTTP_HOSTS",
      );
    } else if (isFromElsewhere(request)) {
      refuse(
        reply,
        403,
        "forbidden",
        "pages of other sites are not answered; ask from natstate's own, or from a program",
      );
    } else if (!admits(request) && !isOpenProbe(request)) {
      const isGuess = request.headers.authorization !== undefined;
      setTimeout(() => refuseUnknown(reply), isGuess ? slowDown() : 0);
    } else if (request.method !== "GET" && request.method !== "HEAD" && request.is404) {
      // Whatever body comes with it is not read.
      reply.headers({ allow: "GET, HEAD", connection: "close" });
      refuse(reply, 405, "method_not_allowed", `${request.method} is not possible here, use GET`);
    } else next();
  });
}

function refuseUnknown(reply: FastifyReply): void {
  // Whoever asked may have gone meanwhile.
  if (reply.raw.destroyed) return;
  reply.headers({ "www-authenticate": CHALLENGES, connection: "close" });
  refuse(reply, 401, "unauthorized", "expected the token of NATSTATE_HTTP_TOKEN: Authorization: Bearer <token>");
}

/**
 * Does another page ask, or another port of this host, in somebody's browser? It could not read the answer, but tell by it
 * how long it takes or whether there is one. A link is no question of a page: what it leads to, its reader sees alone.
 *
 * Source: Fetch Metadata, W3C.
 */
function isFromElsewhere({ routeOptions, headers }: FastifyRequest): boolean {
  const { "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": destination } = headers;
  // The route, not what was asked for: /%61pi is /api too.
  if (routeOptions.url?.startsWith("/api/") !== true || (mode === "navigate" && destination === "document"))
    return false;
  return site === "cross-site" || site === "same-site";
}

const PROBES = ["/livez", "/readyz"];

/** An orchestrator has no token. One that is sent has to be right. */
function isOpenProbe({ method, routeOptions, headers }: FastifyRequest): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && PROBES.includes(routeOptions.url ?? "") && headers.authorization === undefined;
}

/** Not why: that is for those who have the token. */
function onlyWhether(answer: { readonly live?: boolean; readonly ready?: boolean }): unknown {
  const { live, ready } = answer;
  return live === undefined && ready === undefined ? answer : { live, ready };
}

function addErrorAnswers(app: FastifyInstance, { onError }: DoorOptions): void {
  app.setNotFoundHandler((_request, reply) => {
    refuse(reply, 404, "not_found", "there is nothing under this path; / says what there is");
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { statusCode = 500 } = error;
    if (statusCode < 500) return refuse(reply, statusCode, "bad_request", error.message);
    if (error instanceof QueryError && error.problem === "refused") {
      return refuse(reply, 400, "bad_request", error.message);
    }
    if (error instanceof BusyError || error instanceof QueryError) {
      return refuse(reply.header("retry-after", "1"), 503, "unavailable", error.message);
    }
    onError?.(error, request.url);
    return refuse(reply, 500, "internal", "this question failed inside natstate; its log says why");
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  const where = `${host}:${port}`;
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is in use`,
    EACCES: `this user may not listen on port ${port}`,
    EADDRNOTAVAIL: `${host} is not an address of this machine`,
    ENOTFOUND: `${host} is not a name this machine knows`,
  };
  const reason = reasons[error.code ?? ""] ?? `cannot listen on ${where}: ${error.message}`;
  return `${reason}. Set NATSTATE_HTTP to another host:port, such as 127.0.0.1:8485, or to off.`;
}

function urlOf(host: string, port: number): string {
  const reachable = isWildcard(host) ? "127.0.0.1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}
