import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { fetchedServerVersion, findServerBinary } from "../../src/nats-server/binary.ts";
import { KNOWN_CHECKSUMS } from "../../src/nats-server/checksums.ts";
import {
  bin,
  cached,
  cachedFiles,
  checksums,
  closePlace,
  env,
  openPlace,
  releaseServer,
  root,
  script,
} from "./stand-ins.ts";

beforeEach(openPlace);
afterEach(closePlace);

test("with none at hand the release is fetched once, checked and kept", async () => {
  const { requests, archivePath } = await releaseServer();
  const progress: string[] = [];
  const fetched = await findServerBinary({ env, checksums, onProgress: (step) => progress.push(step) });
  expect(fetched).toEqual({ path: cached(fetchedServerVersion), version: fetchedServerVersion, source: "release" });
  expect(requests).toEqual([`/v${fetchedServerVersion}/SHA256SUMS`, archivePath]);
  expect(progress).toContainEqual(expect.stringContaining("natstate knows no checksum of "));
  expect(await findServerBinary({ env, checksums })).toEqual({ ...fetched, source: "cache" });
  expect(requests).toHaveLength(2);
});

test("an archive whose checksum differs is refused, never run, and nothing is kept", async () => {
  const { files, archivePath } = await releaseServer();
  const ran = join(root, "ran");
  script(join(root, "evil", "nats-server"), `: > ${ran}; echo "nats-server: v2.15.1"`);
  files[archivePath] = execFileSync("tar", ["-czf", "-", "evil"], { cwd: root });
  await expect(findServerBinary({ env, checksums })).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, SHA256SUMS says/);
  expect(existsSync(ran)).toBe(false);
  expect(cachedFiles()).toEqual(["natstate", join("natstate", "nats-server")]);
});

test("an archive that is not the known one is refused although its release's own list agrees, and is not fetched", async () => {
  const { requests, archivePath } = await releaseServer();
  checksums[archivePath.split("/").at(-1) ?? ""] = "a".repeat(64);
  await expect(findServerBinary({ env, checksums })).rejects.toThrow(
    /SHA256SUMS says [0-9a-f]{64} .* known to have a{64}/,
  );
  expect(requests).toHaveLength(1);
});

test("naming the archive otherwise is no way around what is known of it", async () => {
  const { requests, files, archivePath } = await releaseServer();
  const zipPath = archivePath.replace(/tar\.gz$/, "zip");
  const sums = `/v${fetchedServerVersion}/SHA256SUMS`;
  // tar looks at what is in it, not at its name.
  files[zipPath] = files[archivePath] ?? "";
  files[sums] = String(files[sums]).replaceAll(".tar.gz", ".zip");
  checksums[archivePath.split("/").at(-1) ?? ""] = "a".repeat(64);
  await expect(findServerBinary({ env, checksums })).rejects.toThrow(/SHA256SUMS does not list \S+\.tar\.gz\n/);
  expect(requests).toEqual([sums]);
});

test("what is known is of the version that is fetched", () => {
  for (const [name, sha256] of Object.entries(KNOWN_CHECKSUMS)) {
    expect(name).toMatch(`nats-server-v${fetchedServerVersion}-`);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  }
});

test("a mirror that is neither https nor on this machine is refused", async () => {
  expect(() => readConfig({ NATSTATE_NATS_RELEASES: "http://mirror.example/nats" })).toThrow(
    /NATSTATE_NATS_RELEASES: expected https/,
  );
  for (const url of [
    "https://mirror.example/nats",
    "http://127.0.0.1:8000",
    "http://[::1]:8000/",
    "http://localhost",
  ]) {
    expect(readConfig({ NATSTATE_NATS_RELEASES: url }).NATSTATE_NATS_RELEASES).toBe(url);
  }
  env.NATSTATE_NATS_RELEASES = "http://mirror.example/nats";
  await expect(findServerBinary({ env, checksums })).rejects.toThrow(/neither https nor on this machine/);
});

test("an archive that SHA256SUMS does not list is not fetched", async () => {
  const { files, requests } = await releaseServer();
  files[`/v${fetchedServerVersion}/SHA256SUMS`] = "garbage";
  await expect(findServerBinary({ env, checksums })).rejects.toThrow("SHA256SUMS does not list");
  expect(requests).toHaveLength(1);
});

test.each<[string, RequestListener, string]>([
  ["has no such release", (_, response) => response.writeHead(404).end(), "HTTP 404"],
  ["never answers", () => {}, "no answer within 100 ms"],
  ["stops in the middle", (_, response) => response.writeHead(200).write("half"), "stalled for 100 ms after 4 bytes"],
])("a mirror that %s is given up, and the error says so", async (_, answer, message) => {
  await releaseServer(answer);
  // Generous where an answer comes: the machine may be slow.
  const timeouts = { firstByteMs: message.startsWith("no answer") ? 100 : 10_000, stallMs: 100 };
  await expect(findServerBinary({ env, checksums, timeouts })).rejects.toThrow(message);
  expect(cachedFiles()).toEqual(["natstate", join("natstate", "nats-server")]);
});

test("two that fetch at once both end with the one good binary", async () => {
  await releaseServer();
  const both = await Promise.all([findServerBinary({ env, checksums }), findServerBinary({ env, checksums })]);
  expect(both.map(({ path }) => path)).toEqual([cached(fetchedServerVersion), cached(fetchedServerVersion)]);
  expect(cachedFiles().filter((name) => String(name).includes(".fetch-"))).toEqual([]);
});

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

test.runIf(existsSync(keyring))(
  "on Debian its package is the second choice, from apt's own mirror, signature checked",
  async () => {
    const log = join(root, "apt.log");
    script(
      join(bin, "apt-get"),
      `echo "$@" >> ${log}
     case "$*" in
       indextargets*) printf '%s\n' "mirror://vendor/ vendor main" "mirror://distro/ $(. /etc/os-release; echo $VERSION_CODENAME) main" ;;
       *update) cp sources.list ${root}/sources.list ;;
       *download*) : > nats-server_2.16.0_any.deb ;;
     esac`,
    );
    script(
      join(bin, "dpkg"),
      `mkdir -p root/usr/sbin; printf '#!/bin/sh\necho nats-server: v2.16.0\n' > root/usr/sbin/nats-server`,
    );
    expect(await findServerBinary({ env, checksums })).toEqual({
      path: cached("2.16.0"),
      version: "2.16.0",
      source: "debian",
    });
    expect(readFileSync(join(root, "sources.list"), "utf8")).toBe(
      `deb [signed-by=${keyring}] mirror://distro/ forky main\n`,
    );
    const runs = readFileSync(log, "utf8").trim().split("\n").slice(1);
    expect(runs).toHaveLength(2);
    for (const run of runs) expect(run).toMatch(/AllowInsecureRepositories=false.*AllowUnauthenticated=false/);
  },
);
