import type { Worker } from "node:cluster";
import { EventEmitter } from "node:events";
import pino from "pino";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { keepDaemon } from "../../src/supervisor/kept-daemon.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A daemon of which each start makes such a process. */
function keep(pid: number | undefined) {
  const workers: EventEmitter[] = [];
  const kept = keepDaemon({
    directory: { daemon: 2, path: "/nowhere" },
    logger: pino({ level: "silent" }),
    fork() {
      const worker = Object.assign(new EventEmitter(), {
        process: { pid },
        isConnected: () => false,
        isDead: () => true,
      });
      workers.push(worker);
      return worker as unknown as Worker;
    },
    onMessage() {},
    onChange() {},
  });
  return { kept, workers };
}

it("one that ends is started again, after a pause that grows, until it is stopped", async () => {
  const { kept, workers } = keep(7);
  workers[0]?.emit("exit", null, "SIGKILL");
  expect(kept.look().trouble).toBe("daemon 2 has ended (SIGKILL), and is started again");
  await vi.advanceTimersByTimeAsync(200);
  expect(workers).toHaveLength(2);
  workers[1]?.emit("exit", 1, null);
  await vi.advanceTimersByTimeAsync(200);
  expect(workers).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(200);
  expect(workers).toHaveLength(3);
  kept.stop();
  await kept.ended;
});

it("one whose process cannot be made is started again, as one that has ended", async () => {
  const { kept, workers } = keep(undefined);
  workers[0]?.emit("error", new Error("spawn EAGAIN"));
  expect(kept.look().trouble).toBe("daemon 2 has ended (spawn EAGAIN), and is started again");
  await vi.advanceTimersByTimeAsync(200);
  expect(workers).toHaveLength(2);
});

it("what only a person can resolve is not started again", async () => {
  const { kept, workers } = keep(7);
  workers[0]?.emit("message", { kind: "fatal", message: "its past is gone" });
  workers[0]?.emit("exit", 1, null);
  await kept.ended;
  expect(kept.outcome()).toBe("fatal");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(workers).toHaveLength(1);
});

it("why one has ended for good stays said, whatever it says of itself until it has", async () => {
  const { kept, workers } = keep(7);
  const [worker] = workers;
  const why = "daemon 2 has ended: its past is gone";
  worker?.emit("message", { kind: "health", ready: true, failing: [] });
  worker?.emit("message", { kind: "fatal", message: "its past is gone" });
  worker?.emit("message", { kind: "health", ready: true, failing: [] });
  expect(kept.look().trouble).toBe(why);
  worker?.emit("message", { kind: "health", ready: false, failing: ["nats"] });
  await vi.advanceTimersByTimeAsync(6000);
  expect(kept.look().trouble).toBe(why);
  worker?.emit("exit", 1, null);
  await kept.ended;
  expect(kept.look().trouble).toBe(why);
});

it("one that says nothing any more, as when it is frozen, is not ready until it does", async () => {
  const { kept, workers } = keep(7);
  const sayHealth = () => workers.at(-1)?.emit("message", { kind: "health", ready: true, failing: [] });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(kept.look().trouble, "a start may take long").toBe("daemon 2 is starting");
  sayHealth();
  await vi.advanceTimersByTimeAsync(4000);
  expect(kept.look().trouble).toBeNull();
  await vi.advanceTimersByTimeAsync(2000);
  expect(kept.look().trouble).toBe("daemon 2 does not answer");
  sayHealth();
  expect(kept.look().trouble).toBeNull();
  workers[0]?.emit("exit", null, "SIGKILL");
  await vi.advanceTimersByTimeAsync(6000);
  expect(kept.look().trouble).toBe("daemon 2 has ended (SIGKILL), and is started again");
  kept.stop();
});
