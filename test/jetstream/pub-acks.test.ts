import { JetStreamApiError } from "@nats-io/jetstream";
import { headers, TimeoutError } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createStreamPublisher, type StreamMessage, type StreamPublisher } from "../../src/jetstream/pub-acks.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { createTestClock, type TestClock } from "../clock.ts";
import { startTestServer, type TestServer } from "../server.ts";

const TIMEOUT_MS = 1500;
/** How late a timeout may be. */
const SWEPT_MS = 251;
let server: TestServer;
let session: Session;
let streams: StreamPublisher;
let clock: TestClock;

beforeEach(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test", inboxPrefix: "_INBOX.own" }, () => {});
  await session.jsm.streams.add({ name: "T", subjects: ["t.>"] });
  clock = createTestClock();
  streams = createStreamPublisher(session, TIMEOUT_MS, clock);
});
afterEach(async () => {
  streams.stop();
  await session.close();
  await server.stop();
});

function message(subject: string, set: Record<string, string> = {}): StreamMessage {
  const header = headers();
  for (const [name, value] of Object.entries(set)) header.set(name, value);
  return { subject, body: "{}", header };
}

it("gives each message its own acknowledgement, in whatever number they are sent", async () => {
  const acks = await Promise.all(Array.from({ length: 500 }, (_, index) => streams.publish(message(`t.${index}`))));
  expect(acks.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  for (const sequence of [1, 250, 500]) {
    expect((await session.jsm.streams.getMessage("T", { seq: sequence }))?.subject).toBe(`t.${sequence - 1}`);
  }
});

it("listens under the prefix of its connection only", async () => {
  const replies: string[] = [];
  session.nc.subscribe("echo", { callback: (_error, { reply = "" }) => void replies.push(reply) });
  const unanswered = streams.publish(message("echo")).catch(() => {});
  await session.nc.flush();
  streams.stop();
  await unanswered;
  expect(replies).toEqual([expect.stringMatching(/^_INBOX\.own\./)]);
});

it("tells what the stream refuses by the server's own code", async () => {
  const refused = streams.publish(message("t.a", { "Nats-Expected-Last-Subject-Sequence": "7" }));
  await expect(refused).rejects.toBeInstanceOf(JetStreamApiError);
  await expect(refused).rejects.toMatchObject({ code: 10071 });
});

it("tells a duplicate", async () => {
  await streams.publish(message("t.a", { "Nats-Msg-Id": "one" }));
  expect(await streams.publish(message("t.a", { "Nats-Msg-Id": "one" }))).toMatchObject({ seq: 1, duplicate: true });
});

it("tells at once that no stream listens", async () => {
  await expect(streams.publish(message("nobody"))).rejects.toThrow("no stream listens to nobody");
});

it("gives up on an answer that does not come, and rejects what waits when it is stopped", async () => {
  session.nc.subscribe("silent", { callback: () => {} });
  const unanswered = streams.publish(message("silent"));
  let isOver = false;
  const told = expect(unanswered)
    .rejects.toBeInstanceOf(TimeoutError)
    .finally(() => {
      isOver = true;
    });
  await clock.pass(TIMEOUT_MS - 1);
  expect(isOver).toBe(false);
  await clock.pass(SWEPT_MS);
  await told;
  const last = streams.publish(message("silent"));
  streams.stop();
  await expect(last).rejects.toThrow("stopped");
});

it("what a former leader has not acknowledged is not known; what the next one is sent is", async () => {
  session.nc.subscribe("silent", { callback() {} });
  const lost = streams.publish(message("silent"));
  streams.leaderChanged();
  await expect(lost).rejects.toThrow(TimeoutError);
  expect((await streams.publish(message("t.a"))).seq).toBe(1);
});
