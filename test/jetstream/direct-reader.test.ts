import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { NotReadableError, readDirect } from "../../src/jetstream/direct-reader.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

let server: TestServer;
let session: Session;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test", inboxPrefix: "_INBOX_own" }, () => {});
  await session.jsm.streams.add({ name: "KEPT", subjects: ["kept.*"], allow_direct: true });
  for (let index = 0; index < 25; index++) await session.js.publish(`kept.${index % 2}`, index === 3 ? "" : `${index}`);
});

afterAll(async () => {
  await session.close();
  await server.stop();
});

it("messages come in order, those without a body too, as many as asked for", async () => {
  const found = await readDirect(session, "KEPT", { seq: 3, batch: 10 });
  expect(found.map(({ sequence }) => sequence)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect([found[1]?.subject, found[1]?.body.length]).toEqual(["kept.1", 0]);
  expect(found[0]?.storedAtMs).toBeGreaterThan(Date.now() - 60_000);
});

it("only one subject's, when asked for; from a moment on; and none where there are none", async () => {
  const even = await readDirect(session, "KEPT", { seq: 1, batch: 100, next_by_subj: "kept.0" });
  expect(even.map(({ subject }) => subject)).toEqual(Array(13).fill("kept.0"));
  const since = { start_time: new Date(Date.now() - 60_000).toISOString(), batch: 100 };
  expect(await readDirect(session, "KEPT", since)).toHaveLength(25);
  expect(await readDirect(session, "KEPT", { seq: 26, batch: 10 })).toEqual([]);
  expect(await readDirect(session, "KEPT", { seq: 1, batch: 10, next_by_subj: "kept.9" })).toEqual([]);
});

it("a stream that is not there is told apart from one that has nothing", async () => {
  await expect(readDirect(session, "NOWHERE", { seq: 1, batch: 1 })).rejects.toThrow(NotReadableError);
});

it("who reads when the connection ends is told", async () => {
  const other = await openSession({ url: server.url, name: "ending" }, () => {});
  const silent = readDirect({ ...other, newInbox: () => "_INBOX.silent" }, "KEPT", { seq: 1, batch: 1 });
  const refused = expect(silent).rejects.toThrow("was closed");
  await other.nc.close();
  await refused;
});

it("what was read is not kept by the connection", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const read = new WeakRef(await readDirect(session, "KEPT", { seq: 1, batch: 25 }));
  await until("it is free", () => {
    collect();
    return read.deref() === undefined;
  });
});
