import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../src/console/server.ts";
import { deliver } from "../flow/delivery.ts";
import { fill, openOrderBook } from "../store/order-book.ts";
import { alone } from "./alone.ts";

/** The real HTTP server over a real store, to be attacked. */
export interface Target extends AsyncDisposable {
  readonly server: HttpServer;
  /** As delivered with the page. */
  readonly pageToken: string;
  /** Dead letters that were sent again: only what is allowed may add to them. */
  readonly redriven: number[];
  readonly queries: HttpServerOptions["queries"];
  /** Another server over the same store. */
  listen(options?: Partial<HttpServerOptions>): Promise<HttpServer>;
}

/** Dead letter 10002 can be sent again, as number 1 of DEAD_LETTERS. */
export async function openTarget(): Promise<Target> {
  const book = openOrderBook();
  fill(book, 30);
  book.processor.apply([deliver(10_002, "orders.x.OrderCreated", "{")]);
  book.db.prepare("UPDATE dead_letters SET published = 1").run();
  const redriven: number[] = [];
  const listen = (options: Partial<HttpServerOptions> = {}) =>
    createHttpServer({
      ...alone(book.queries),
      async redrive({ publishedSequence: sequence }) {
        redriven.push(sequence);
        return { outcome: "redriven", streamSequence: 1 };
      },
      metrics: () => Promise.resolve({ contentType: "text/plain", body: "natstate_up 1\n" }),
      ...options,
    });
  const server = await listen();
  return {
    server,
    redriven,
    queries: book.queries,
    listen,
    pageToken: await readPageToken(server),
    async [Symbol.asyncDispose]() {
      await server.close();
      book[Symbol.dispose]();
    },
  };
}

/** The token in the head of the page. */
export async function readPageToken({ url }: HttpServer): Promise<string> {
  return /name="natstate-token" content="([^"]+)"/.exec(await (await fetch(url)).text())?.[1] ?? "";
}

/** Asks, with these headers alone, that dead letter 10002 is sent again. */
export function askForRedrive(
  to: HttpServer,
  headers: Record<string, string>,
  body = '{"sequences":[10002]}',
): Promise<Response> {
  return fetch(`${to.url}/api/dead-letters/redrive`, { method: "POST", headers, body });
}

/** Sends bytes as they are, which fetch would tidy up; resolves with all that comes back until the server closes. */
export async function send(bytes: string, { port }: HttpServer): Promise<{ status: number; text: string }> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", () => {});
  socket.write(bytes);
  await once(socket, "close");
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text };
}

/** A connection that has said something and stays. */
export async function hold(port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  // What the server says is thrown away; being cut off is what is expected.
  socket.on("data", () => {}).on("error", () => {});
  await once(socket, "connect").catch(() => {});
  socket.write(bytes);
  return socket;
}
