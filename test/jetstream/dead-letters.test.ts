import { headers } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { openDeadLetters } from "../../src/jetstream/dead-letters.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { startTestServer } from "../server.ts";

/** The real session, but direct gets are answered by a replica that does not have anything yet. */
function withEmptyReplica(session: Session): Session {
  const { nc, jsm } = session;
  const publish: typeof nc.publish = (subject, ...rest) =>
    nc.publish(subject.replace("DIRECT.GET.DEAD_LETTERS", "DIRECT.GET.EMPTY"), ...rest);
  const info: typeof jsm.streams.info = async (...given) => {
    const found = await jsm.streams.info(...given);
    return { ...found, config: { ...found.config, num_replicas: 3 } };
  };
  const streams = Object.create(jsm.streams, { info: { value: info } });
  return {
    ...session,
    nc: Object.create(nc, { publish: { value: publish } }),
    jsm: Object.create(jsm, { streams: { value: streams } }),
  };
}

it("a replica that has no dead letters is not believed", async () => {
  await using server = await startTestServer();
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  const { jsm, js } = session;
  await jsm.streams.add({ name: "EMPTY", subjects: ["empty"], allow_direct: true });
  await jsm.streams.add({ name: "DEAD_LETTERS", subjects: ["deadletters.>"], allow_direct: true });
  const header = headers();
  header.set("Natstate-Subject", "orders.3.o-1.PaymentProcessed");
  for (const reason of ["malformed_json", "invalid_event", "malformed_json"]) {
    await js.publish(`deadletters.orders.${reason}`, "what came", { headers: header });
  }
  const letters = openDeadLetters(withEmptyReplica(session));
  expect((await letters.latest({}, 2)).map(({ sequence }) => sequence)).toEqual([3, 2]);
  const all: string[] = [];
  for await (const { sequence, subject } of letters.each({ reason: "malformed_json" }))
    all.push(`${sequence} ${subject}`);
  expect(all).toEqual(["1 orders.o-1.PaymentProcessed", "3 orders.o-1.PaymentProcessed"]);
  expect((await letters.find(2))?.bytes).toBe(9);
  await jsm.streams.purge("DEAD_LETTERS", { filter: "deadletters.orders.malformed_json" });
  expect(await letters.find(3)).toBeUndefined();
  expect(await letters.latest({ reason: "malformed_json" }, 5)).toEqual([]);
  await session.close();
});

it("a dead letter that an earlier natstate wrote is found by the name its reason has now, and shown with it", async () => {
  await using server = await startTestServer();
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  const { jsm, js } = session;
  await jsm.streams.add({ name: "DEAD_LETTERS", subjects: ["deadletters.>"], allow_direct: true });
  for (const reason of ["order_retired", "malformed_json", "actor_retired"]) {
    const header = headers();
    header.set("Natstate-Reason", reason);
    await js.publish(`deadletters.orders.${reason}`, "what came", { headers: header });
  }
  const letters = openDeadLetters(session);
  const found = (await letters.latest({ reason: "actor_retired" }, 5)).map(({ sequence, reason }) => [
    sequence,
    reason,
  ]);
  expect(found).toEqual([
    [3, "actor_retired"],
    [1, "actor_retired"],
  ]);
  expect((await letters.latest({}, 5)).map(({ reason }) => reason)).toEqual([
    "actor_retired",
    "malformed_json",
    "actor_retired",
  ]);
  expect((await letters.find(1))?.reason).toBe("actor_retired");
  await session.close();
});

it("what a publisher wrote in the names of the server's headers, in other case, misleads nobody who reads", async () => {
  await using server = await startTestServer();
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  await session.jsm.streams.add({ name: "DEAD_LETTERS", subjects: ["deadletters.>"], allow_direct: true });
  for (const lie of ["", "999", "1"]) {
    const header = headers();
    header.set("Natstate-Reason", "malformed_json");
    if (lie !== "") header.set("nats-sequence", lie);
    if (lie !== "") header.set("nats-time-stamp", "x");
    await session.js.publish("deadletters.orders.malformed_json", "what came", { headers: header });
  }
  const letters = openDeadLetters(session);
  const found: number[] = [];
  for await (const { sequence } of letters.each({})) {
    found.push(sequence);
    if (found.length > 3) break;
  }
  expect(found).toEqual([1, 2, 3]);
  expect((await letters.find(3))?.sequence).toBe(3);
  await session.close();
});
