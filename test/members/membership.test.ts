import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectNats } from "../../src/jetstream/connect.ts";
import { createDenials } from "../../src/members/denials.ts";
import { createMembership } from "../../src/members/membership.ts";
import { DAEMONS_SUBJECT, daemonSubject } from "../../src/wire/names.ts";
import { createTestClock } from "../clock.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";
import { aMember } from "./a-member.ts";

let server: TestServer;
const connect = () => connectNats({ url: server.url, name: "test" });
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** Answers as a daemon does, for as long as `isAwake`; each answer says how many it has given. */
async function answerAs(id: string, nc: NatsConnection, isAwake = () => true): Promise<void> {
  let given = 0;
  nc.subscribe(DAEMONS_SUBJECT, {
    callback: (_, message) => void (isAwake() && message.respond(JSON.stringify(aMember(id, { rssBytes: ++given })))),
  });
  nc.subscribe(daemonSubject(id, "*"), { callback() {} });
  await nc.flush();
}

/** Of ours, that has heard the other one. */
async function open(options: { readonly isSettled?: boolean; readonly isAwake?: () => boolean } = {}) {
  const { isSettled = true, isAwake } = options;
  const [nc, theirs] = [await connect(), await connect()];
  await answerAs("us", nc);
  await answerAs("other", theirs, isAwake);
  const describe = () => aMember("us");
  const membership = createMembership({
    ...{ nc, describe, isSettled: () => isSettled, onChange() {}, denials: createDenials(), clock: createTestClock() },
  });
  const ids = () => membership.members().map(({ id }) => id);
  await until("both are heard", async () => {
    await membership.refresh();
    return ids().length === 2;
  });
  const end = async () => {
    membership.stop();
    for (const each of [nc, theirs]) await each.close();
  };
  return { membership, nc, theirs, ids, end };
}

it("who is not connected any more is gone after two rounds", async () => {
  const { membership, theirs, ids, end } = await open();
  await theirs.close();
  await membership.refresh();
  expect(ids()).toEqual(["other", "us"]);
  await membership.refresh();
  expect(ids()).toEqual(["us"]);
  await end();
});

it.each([
  ["who only is silent", { awake: false, isSettled: true }],
  ["who is not there when NATS has just come back", { awake: true, isSettled: false }],
])("%s is waited for a round longer", async (_what, { awake, isSettled }) => {
  let isAwake = true;
  const { membership, theirs, ids, end } = await open({ isSettled, isAwake: () => isAwake });
  if (awake) await theirs.close();
  isAwake = false;
  await membership.refresh();
  await membership.refresh();
  expect(ids()).toEqual(["other", "us"]);
  // A round in which it does not hear itself in time, as on a busy machine, does not count.
  await until("it is gone", async () => {
    await membership.refresh();
    return ids().length === 1;
  });
  await end();
});

it("what one says while others are asked is not undone by what it had answered before", async () => {
  const { membership, end } = await open();
  const other = () => membership.members().find(({ id }) => id === "other");
  const before = other()?.rssBytes ?? 0;
  const round = membership.refresh();
  await until("the answer is here", () => (other()?.rssBytes ?? 0) > before);
  membership.heard(aMember("other", { leaving: true }));
  await round;
  expect(other()?.leaving).toBe(true);
  await end();
});
