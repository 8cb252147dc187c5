import type { ServerResponse } from "node:http";

export type Live<Topic> = ReturnType<typeof createLive<Topic>>;

export interface LiveOptions<Topic> {
  /** What to send: one JSON object. Called once for all listeners of a topic, and never when there are none. */
  readonly read: (topic: Topic) => object | Promise<object>;
  readonly everyMs?: number;
  readonly maxListeners?: number;
  /** A reader for whom more than this waits is dropped; its browser comes back by itself. */
  readonly maxWaitingBytes?: number;
  /** Told of a `read` that failed; its listeners hear nothing this time. */
  readonly onError?: (error: Error) => void;
}

const HEADERS = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
/** For EventSource: come back after a second. */
const PREAMBLE = "retry: 1000\n\n";

/**
 * Tells every open page the same, once a second: server-sent events with one timer for all listeners, which runs only
 * while there are any.
 *
 * Source: WHATWG HTML, "Server-sent events".
 */
export function createLive<Topic>(options: LiveOptions<Topic>) {
  const { read, everyMs = 1000, maxListeners = 64, maxWaitingBytes = 262_144, onError } = options;
  const listening = new Map<ServerResponse, Topic>();
  const reading = new Map<Topic, Promise<object>>();
  const ticking = new Set<Topic>();
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    for (const topic of new Set(listening.values())) {
      // What takes longer than from one time to the next is told once, when it is there.
      if (ticking.has(topic)) continue;
      ticking.add(topic);
      const all = () => [...listening].filter(([, wanted]) => wanted === topic).map(([response]) => response);
      void tell(topic, all).finally(() => ticking.delete(topic));
    }
  }

  async function tell(topic: Topic, to: () => readonly ServerResponse[]): Promise<void> {
    try {
      const message = `data: ${JSON.stringify(await readOnce(topic))}\n\n`;
      for (const response of to()) if (listening.has(response)) send(response, message);
    } catch (error) {
      onError?.(error as Error);
    }
  }

  function readOnce(topic: Topic): Promise<object> {
    const known = reading.get(topic);
    if (known !== undefined) return known;
    const now = Promise.resolve(topic).then(read);
    reading.set(topic, now);
    void now.catch(() => {}).then(() => reading.delete(topic));
    return now;
  }

  function send(response: ServerResponse, message: string): void {
    if (response.writableLength > maxWaitingBytes) {
      detach(response);
      response.destroy();
    } else response.write(message);
  }

  function detach(response: ServerResponse): void {
    listening.delete(response);
    if (listening.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    /**
     * Sends what there is now, and from then on what there is each time. The response ends when its reader goes, does not
     * keep up, or when `close` is called.
     *
     * @returns false, and touches nothing, when too many listen already.
     */
    attach(topic: Topic, response: ServerResponse): boolean {
      if (listening.size >= maxListeners) return false;
      response.writeHead(200, HEADERS);
      response.on("close", () => detach(response));
      // A reader that has gone says so by an error first; there is nothing to do about it.
      response.on("error", () => {});
      response.write(PREAMBLE);
      listening.set(response, topic);
      void tell(topic, () => [response]);
      timer ??= setInterval(tick, everyMs);
      return true;
    },
    listeners: () => listening.size,
    close() {
      for (const response of listening.keys()) response.end();
      listening.clear();
      clearInterval(timer);
      timer = undefined;
    },
  };
}
