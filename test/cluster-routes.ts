import { openProxy, type TcpProxy } from "./faults/proxy.ts";

/** The routes between the nodes of a cluster, by their places in it. */
export interface Routes extends AsyncDisposable {
  /** What a node is to take for the routes to the others. */
  from(index: number): readonly string[];
  /** A node and the others hear nothing of each other: what is open is reset, what is opened stays silent. */
  isolate(index: number): void;
  /** Every byte between any two takes so long, each way. */
  delay(ms: number): void;
  heal(): void;
}

/** @param ports - of each node, where it listens for the others. */
export async function openRoutes(ports: readonly number[]): Promise<Routes> {
  const proxies: { readonly from: number; readonly to: number; readonly proxy: TcpProxy }[] = [];
  for (const from of ports.keys()) {
    for (const [to, port] of ports.entries()) {
      if (from !== to) proxies.push({ from, to, proxy: await openProxy(port) });
    }
  }
  return {
    from: (index) => proxies.filter(({ from }) => from === index).map(({ proxy }) => proxy.url),
    isolate(index) {
      for (const { from, to, proxy } of proxies) {
        if (from !== index && to !== index) continue;
        proxy.stall("both");
        proxy.cut();
      }
    },
    delay(ms) {
      for (const { proxy } of proxies) proxy.delay(ms);
    },
    heal() {
      for (const { proxy } of proxies) proxy.heal();
    },
    async [Symbol.asyncDispose]() {
      for (const { proxy } of proxies) await proxy[Symbol.asyncDispose]();
    },
  };
}
