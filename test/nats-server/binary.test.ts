import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fetchedServerVersion, findServerBinary, ServerBinaryError } from "../../src/nats-server/binary.ts";
import {
  bin,
  cached,
  checksums,
  closePlace,
  env,
  openPlace,
  releaseServer,
  root,
  script,
  standIn,
} from "./stand-ins.ts";

beforeEach(openPlace);
afterEach(closePlace);

test("NATSTATE_NATS_SERVER comes before PATH, PATH before the cache, and none of them asks the network", async () => {
  const { requests } = await releaseServer();
  standIn(cached("2.15.1"), "2.15.1");
  expect(await findServerBinary({ env, checksums })).toEqual({
    path: cached("2.15.1"),
    version: "2.15.1",
    source: "cache",
  });
  const path = standIn(join(bin, "nats-server"), "2.14.3");
  expect(await findServerBinary({ env, checksums })).toEqual({ path, version: "2.14.3", source: "path" });
  env.NATSTATE_NATS_SERVER = standIn(join(root, "mine"), "2.16.0");
  expect(await findServerBinary({ env, checksums })).toEqual({
    path: join(root, "mine"),
    version: "2.16.0",
    source: "env",
  });
  expect(requests).toEqual([]);
});

test.each([
  ["is not there", undefined, "is not an executable file"],
  ["is too old", `echo "nats-server: v2.13.9"`, "is 2.13.9, older than 2.14.0"],
  ["is a pre-release of the oldest", `echo "nats-server: v2.14.0-RC.1"`, "is 2.14.0-RC.1, older than 2.14.0"],
  ["is another program", "echo hello", "did not answer like a nats-server"],
  ["fails", "echo oops >&2; exit 3", "oops"],
])("a NATSTATE_NATS_SERVER that %s is an error, even with a good one on PATH", async (_, lines, message) => {
  standIn(join(bin, "nats-server"), "2.15.1");
  env.NATSTATE_NATS_SERVER = join(root, "mine");
  if (lines) script(env.NATSTATE_NATS_SERVER, lines);
  const found = findServerBinary({ env, checksums });
  await expect(found).rejects.toThrow(ServerBinaryError);
  await expect(found).rejects.toThrow(message);
  await expect(found).rejects.toThrow("NATSTATE_NATS_SERVER");
});

test("one on PATH that is too old is passed over for a newer one further on", async () => {
  standIn(join(bin, "nats-server"), "2.9.10");
  const path = standIn(join(root, "later/nats-server"), "2.14.0");
  env.PATH = [bin, "relative", join(root, "later")].join(delimiter);
  expect(await findServerBinary({ env, checksums })).toMatchObject({ path, source: "path" });
});

test("a cached one of another version serves, the newest first, and a broken one is passed over", async () => {
  standIn(cached("2.14.9"), "2.14.9");
  standIn(cached("2.14.10"), "2.14.10");
  script(cached(fetchedServerVersion), "exit 1");
  expect(await findServerBinary({ env, checksums })).toMatchObject({ version: "2.14.10", source: "cache" });
});

test.skipIf(process.getuid === undefined)(
  "a cached one that others may have written is not run, and is fetched anew",
  async () => {
    const ran = join(root, "ran");
    const plant = () =>
      script(cached(fetchedServerVersion), `: > ${ran}; echo "nats-server: v${fetchedServerVersion}"`);
    await releaseServer();
    const places = [
      cached(fetchedServerVersion),
      join(cached(fetchedServerVersion), ".."),
      join(root, "cache/natstate/nats-server"),
      join(root, "cache/natstate"),
    ];
    for (const place of places) {
      plant();
      chmodSync(place, 0o777);
      expect(await findServerBinary({ env, checksums })).toMatchObject({ source: "release" });
      expect([place, existsSync(ran)]).toEqual([place, false]);
      expect(await findServerBinary({ env, checksums })).toMatchObject({ source: "cache" });
    }
    plant();
    chmodSync(join(root, "cache"), 0o777);
    await expect(findServerBinary({ env, checksums })).rejects.toThrow(/cache: .*cache can be written by other users/);
    expect(existsSync(ran)).toBe(false);
    if (process.getuid?.() !== 0) return;
    chmodSync(join(root, "cache"), 0o755);
    chownSync(cached(fetchedServerVersion), 65_534, 65_534);
    expect(await findServerBinary({ env, checksums })).toMatchObject({ source: "release" });
  },
);

test.skipIf(process.getuid === undefined)(
  "a cache that others may write says what lets it serve again, where none can be fetched",
  async () => {
    standIn(cached(fetchedServerVersion), fetchedServerVersion);
    const own = join(root, "cache/natstate");
    for (const place of [cached(fetchedServerVersion), own]) chmodSync(place, 0o775);
    const error: Error = await findServerBinary({ env, checksums }).catch((reason) => reason);
    const said = /cache: .* can be written by other users: (chmod -R go-w (\S+)),/.exec(error.message);
    expect(said?.[2]).toBe(own);
    execFileSync("sh", ["-c", said?.[1] ?? "false"]);
    expect(await findServerBinary({ env, checksums })).toMatchObject({ source: "cache" });
  },
);

test("with none to be had, one error says what helps and why each attempt failed", async () => {
  standIn(join(bin, "nats-server"), "2.9.10");
  const error: Error = await findServerBinary({ env, checksums }).catch((reason) => reason);
  expect(error).toBeInstanceOf(ServerBinaryError);
  for (const part of ["put it on PATH", "set NATSTATE_NATS_SERVER", "NATSTATE_NATS_RELEASES", "NATS_URL"])
    expect(error.message).toContain(part);
  expect(error.message).toMatch(/PATH: .*nats-server is 2\.9\.10, older than 2\.14\.0/);
  expect(error.message).toMatch(/release: could not fetch http:\/\/127\.0\.0\.1:\d+\/.*ECONNREFUSED/);
  expect(error.message).toMatch(/debian: /);
});

test("a cache that cannot be written is in the error too", async () => {
  writeFileSync(join(root, "cache"), "a file");
  await expect(findServerBinary({ env, checksums })).rejects.toThrow(/release: .*ENOTDIR/);
});
