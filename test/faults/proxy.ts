import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The daemons' way to the server, on loopback, and everything that can be wrong with a way. */
export interface TcpProxy extends AsyncDisposable {
  /** For NATS_URL. */
  readonly url: string;
  /** Resets every connection. @returns how many there were. */
  cut(): number;
  /** Half-open: connections stay up, new ones are accepted, and nothing gets through until `heal`. */
  stall(direction: "both" | "to_server" | "to_client"): void;
  /** Every byte takes so long, each way. */
  delay(delayMs: number): void;
  /** Lets through what was held back, at once. */
  heal(): void;
}

interface Pipe {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: "to_server" | "to_client";
}

/** Listens on a free port and passes everything on to `port` until told otherwise. */
export async function openProxy(port: number): Promise<TcpProxy> {
  const pipes = new Set<Pipe>();
  let stalled: "both" | "to_server" | "to_client" | undefined;
  let delayMs = 0;

  const isStalled = ({ direction }: Pipe) => stalled === "both" || stalled === direction;

  function join(pipe: Pipe): void {
    const { from, to } = pipe;
    pipes.add(pipe);
    if (isStalled(pipe)) from.pause();
    from.on("data", (chunk) => {
      // Timers of equal length fire in the order they were set.
      if (delayMs === 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), delayMs);
    });
    from.on("error", () => {});
    from.on("close", () => {
      pipes.delete(pipe);
      to.destroy();
    });
  }

  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    join({ from: client, to: upstream, direction: "to_server" });
    join({ from: upstream, to: client, direction: "to_client" });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  function cut(): number {
    const clients = [...pipes].filter(({ direction }) => direction === "to_server");
    for (const { from } of clients) from.resetAndDestroy();
    return clients.length;
  }

  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    stall(direction) {
      stalled = direction;
      for (const pipe of pipes) if (isStalled(pipe)) pipe.from.pause();
    },
    delay(ms) {
      delayMs = ms;
    },
    heal() {
      stalled = undefined;
      delayMs = 0;
      for (const { from } of pipes) from.resume();
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
    },
  };
}
