import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { isLoopback } from "../config/values.ts";
import { createHostGuard } from "../console/host-guard.ts";

/** Hands one inspection on to whoever connects on this machine. */
export type InspectionRelay = Awaited<ReturnType<typeof startInspectionRelay>>;

export interface InspectionRelayOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Pages from elsewhere that may connect, such as `https://stately.ai`. */
  readonly furtherOrigins: readonly string[];
  /** What `/` answers; absent: it says that this is a WebSocket. */
  readonly page?: ((response: ServerResponse) => void) | undefined;
  /** A new inspection for each client: its past, then what happens. */
  readonly follow: (signal: AbortSignal) => AsyncIterable<string>;
  /** How many are connected now, and what ended the last one when it was not the client. */
  readonly onClients: (count: number, error?: Error) => void;
  /** A client for whom more than this waits is dropped. */
  readonly maxWaitingBytes?: number;
}

const HOST = "127.0.0.1";
const MAX_CLIENTS = 8;
/** Of a close frame, which carries at most 125 bytes. */
const MAX_REASON = 120;

/**
 * A WebSocket on loopback that only speaks. Programs may connect, and pages of this machine; pages from elsewhere say
 * so in their Origin header and are refused, and so is a name that only resolves to this machine (DNS rebinding).
 *
 * @throws the operating system's error when it cannot listen.
 */
export async function startInspectionRelay(options: InspectionRelayOptions) {
  const { page, follow, onClients, maxWaitingBytes = 8_388_608 } = options;
  const isOurs = createHostGuard(HOST);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
  const server = createServer((request, response) => {
    if (!isOurs(request.headers.host)) response.writeHead(421).end();
    else if (request.url === "/" && page !== undefined) page(response);
    else response.writeHead(426, { upgrade: "websocket" }).end("a WebSocket: connect an inspector\n");
  });

  function refusal({ headers: { host, origin } }: IncomingMessage): string | undefined {
    if (!isOurs(host)) return "421 Misdirected Request";
    if (!mayConnect(origin, options.furtherOrigins)) return "403 Forbidden";
    return sockets.clients.size < MAX_CLIENTS ? undefined : "503 Service Unavailable";
  }

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refused = refusal(request);
    socket.on("error", () => {});
    if (refused !== undefined) socket.end(`HTTP/1.1 ${refused}\r\nConnection: close\r\n\r\n`);
    else sockets.handleUpgrade(request, socket, head, (client) => void serve(client));
  });

  async function serve(client: WebSocket): Promise<void> {
    const gone = new AbortController();
    client.on("close", () => gone.abort());
    // A client that breaks the protocol is closed by `ws`; there is nothing to do about it.
    client.on("error", () => {});
    onClients(sockets.clients.size);
    let failure: Error | undefined;
    try {
      for await (const message of follow(gone.signal)) {
        client.send(message);
        if (client.bufferedAmount > maxWaitingBytes) throw new Error("it does not keep up");
      }
    } catch (error) {
      failure = error as Error;
      client.close(1011, failure.message.slice(0, MAX_REASON));
      // A close frame waits behind what is not read.
      if (client.bufferedAmount > maxWaitingBytes) client.terminate();
    }
    if (client.readyState !== client.CLOSED) await new Promise((resolve) => client.once("close", resolve));
    onClients(sockets.clients.size, failure);
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, HOST, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    async close(): Promise<void> {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Programs send no Origin, browsers always do. */
function mayConnect(origin: string | undefined, furtherOrigins: readonly string[]): boolean {
  if (origin === undefined || furtherOrigins.includes(origin)) return true;
  return isLoopback(URL.parse(origin)?.hostname.replace(/^\[|\]$/g, "") ?? "");
}
