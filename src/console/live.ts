import type { ServerResponse } from "node:http";

/** Tells every open page the same, once a second. */
export interface Live<Topic> {
  /**
   * Sends what there is now, and from then on what there is each time. The response ends when its reader goes, does not
   * keep up, or when `close` is called.
   *
   * @returns false, and touches nothing, when too many listen already.
   */
  attach(topic: Topic, response: ServerResponse): boolean;
  listeners(): number;
  close(): void;
}

export interface LiveOptions<Topic> {
  /** What to send: one JSON object. Called once for all listeners of a topic, and never when there are none. */
  readonly read: (topic: Topic) => object;
  readonly everyMs?: number;
  readonly maxListeners?: number;
  /** A reader for whom more than this waits is dropped; its browser comes back by itself. */
  readonly maxWaitingBytes?: number;
  /** Told of a `read` that threw; its listeners hear nothing this time. */
  readonly onError?: (error: Error) => void;
}

const HEADERS = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
/** For EventSource: come back after a second. */
const PREAMBLE = "retry: 1000\n\n";

/**
 * Server-sent events with one timer for all listeners, which runs only while there are any.
 *
 * Source: WHATWG HTML, "Server-sent events".
 */
export function createLive<Topic>(options: LiveOptions<Topic>): Live<Topic> {
  const { read, everyMs = 1000, maxListeners = 64, maxWaitingBytes = 262_144, onError } = options;
  const listening = new Map<ServerResponse, Topic>();
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    for (const topic of new Set(listening.values())) {
      const message = readMessage(topic);
      if (message === undefined) continue;
      for (const [response, wanted] of listening) if (wanted === topic) send(response, message);
    }
  }

  function readMessage(topic: Topic): string | undefined {
    try {
      return `data: ${JSON.stringify(read(topic))}\n\n`;
    } catch (error) {
      onError?.(error as Error);
      return undefined;
    }
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
    attach(topic, response) {
      if (listening.size >= maxListeners) return false;
      response.writeHead(200, HEADERS);
      response.on("close", () => detach(response));
      // A reader that has gone says so by an error first; there is nothing to do about it.
      response.on("error", () => {});
      response.write(PREAMBLE + (readMessage(topic) ?? ""));
      listening.set(response, topic);
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
