import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { NatsAwayError, NatsSetupError } from "../../src/jetstream/connect.ts";
import { createPatience, mayPass } from "../../src/jetstream/patience.ts";

const answer = (code: number, err_code: number, description: string) =>
  new JetStreamApiError({ code, err_code, description });

/** As in a log. */
const tell = (told: string[]) => async (reason: string, isNew: boolean) => void (isNew && told.push(reason));

const forbidden = new errors.PermissionViolationError(
  'Permissions Violation for Publish to "$JS.API.INFO"',
  "publish",
  "$JS.API.INFO",
);

it.each([
  ["nobody answers", new NatsAwayError("nobody", "no NATS connection", "Is it there?")],
  ["a request times out, as while leaders are elected", new errors.TimeoutError()],
  ["JetStream is temporarily unavailable", answer(503, 10_008, "JetStream system temporarily unavailable")],
  ["there are not enough servers for the replicas", answer(400, 10_005, "no suitable peers for placement")],
  ["a stream is offline", answer(500, 10_118, "stream is offline")],
])("%s: it is tried again until it works, and said once", async (_name, error) => {
  const told: string[] = [];
  const patiently = createPatience({ mayWait: true, onWaiting: tell(told) });
  let attempts = 0;
  const work = async () => {
    if (++attempts < 3) throw error;
    return "done";
  };
  expect(await patiently(work)).toBe("done");
  expect(told).toHaveLength(1);
  expect(mayPass(error)).toBe(true);
});

it.each([
  ["a server that is too old", new NatsSetupError("nats-server is 2.9.10")],
  ["a stream that cannot be", answer(400, 10_113, "account requires a stream config to have max bytes set")],
  ["what the user may not do", new errors.RequestError(forbidden.message, { cause: forbidden })],
  ["a fault of ours", new TypeError("undefined is not a function")],
])("%s is not waited for", async (_name, error) => {
  const patiently = createPatience({ mayWait: true, onWaiting: () => expect.unreachable() });
  await expect(patiently(() => Promise.reject(error))).rejects.toBe(error);
});

it("who may not wait hears the first time, as one line", async () => {
  const patiently = createPatience({ mayWait: false, onWaiting: () => expect.unreachable() });
  const never = () => Promise.reject(new errors.TimeoutError());
  await expect(patiently(never)).rejects.toThrow(/^JetStream does not answer: timeout\..*$/);
});

it("a signal ends the waiting", async () => {
  const stop = new AbortController();
  const patiently = createPatience({ mayWait: true, signal: stop.signal, onWaiting: async () => stop.abort() });
  await expect(patiently(() => Promise.reject(new errors.TimeoutError()))).rejects.toThrow(/abort/i);
});

it("several servers that are away for several reasons in turn are said once each, and known as of the last", async () => {
  const told: string[] = [];
  let last = "";
  const patiently = createPatience({
    mayWait: true,
    onWaiting: async (reason, isNew) => {
      last = reason;
      await tell(told)(reason, isNew);
    },
  });
  const reasons = ["refused", "unknown host", "refused"];
  await patiently(async () => {
    const reason = reasons.shift();
    if (reason !== undefined) throw new NatsAwayError("nobody", reason, "Is it there?");
  });
  expect(told).toEqual(["refused. Is it there?", "unknown host. Is it there?"]);
  expect(last).toBe("refused. Is it there?");
});

it("waits longer each time, up to a second", async () => {
  const waits: number[] = [];
  const wait = async (ms: number) => void waits.push(ms);
  const patiently = createPatience({ mayWait: true, onWaiting: async () => {}, wait });
  let attempts = 0;
  await patiently(async () => {
    if (++attempts < 6) throw new errors.TimeoutError();
  });
  expect(waits).toEqual([100, 250, 1000, 1000, 1000]);
});
