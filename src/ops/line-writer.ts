import { writeSync } from "node:fs";

export type LineWriter = ReturnType<typeof createLineWriter>;

const MAX_HELD_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 5;
/** How long a reader may take at exit. */
const EXIT_MS = 5000;

/**
 * Writes to a file descriptor, the lines of one turn of the event loop together: a batch's lines are one system call,
 * a single line waits for nothing.
 *
 * Order is kept and what is held is written at exit, by `process.exit` and by exceptions too. (pino's asynchronous
 * destination does not keep order there: a chunk on its way arrived after the rest in 4 of 24 exits of a busy machine.) While a
 * non-blocking pipe is full the lines are held. A reader that has gone away is no error.
 *
 * @param maxHeldBytes - with more than this held, `write` waits for the reader: one who never reads must not fill the
 *   memory. 16 MiB by default.
 */
export function createLineWriter(fd: number, maxHeldBytes = MAX_HELD_BYTES) {
  let lines = "";
  /** What a full pipe did not take yet; goes before `lines`. */
  let rest: Uint8Array = new Uint8Array();
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    if (rest.length > 0) setTimeout(flush, RETRY_MS);
    else setImmediate(flush);
  }

  function flush(): void {
    isScheduled = false;
    drain();
    if (rest.length > 0) schedule();
  }

  function drain(): void {
    try {
      while (rest.length > 0 || lines !== "") {
        if (rest.length === 0) {
          rest = Buffer.from(lines);
          lines = "";
        }
        rest = rest.subarray(writeSync(fd, rest));
      }
    } catch (error) {
      // A full pipe takes it later. Any other error (EPIPE, a full disk) costs these lines, never the daemon.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") rest = new Uint8Array();
    }
  }

  function drainWithin(ms: number): void {
    const deadline = performance.now() + ms;
    drain();
    while (rest.length > 0 && performance.now() < deadline) {
      sleep(RETRY_MS);
      drain();
    }
  }

  process.on("exit", () => drainWithin(EXIT_MS));
  return {
    write(line: string): void {
      lines += line;
      if (rest.length + lines.length > maxHeldBytes) drainWithin(Number.POSITIVE_INFINITY);
      else schedule();
    },
    /** Writes what is held now, as far as the reader takes it. */
    flush: drain,
  };
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
