import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { fetchedServerVersion, findServerBinary, ServerBinaryError } from "../../src/nats-server/binary.ts";
import { KNOWN_CHECKSUMS } from "../../src/nats-server/checksums.ts";
import { freePort } from "../../src/nats-server/ready.ts";

let root: string;
let bin: string;
let env: NodeJS.ProcessEnv;
/** The stand-ins are not what is known of the real ones. */
let checksums: Record<string, string>;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  checksums = {};
  root = mkdtempSync(join(tmpdir(), "natstate-binary-"));
  bin = join(root, "bin");
  mkdirSync(bin);
  for (const tool of ["tar", "gzip", "mkdir", "cp"]) symlinkSync(onPath(tool), join(bin, tool));
  // A mirror that refuses at once, and no apt-get on this PATH.
  const nobody = `http://127.0.0.1:${await freePort()}`;
  env = { PATH: bin, NATSTATE_CACHE: join(root, "cache"), NATSTATE_NATS_RELEASES: nobody };
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  rmSync(root, { recursive: true, force: true });
});

function onPath(tool: string): string {
  const found = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, tool));
  return found.find((path) => existsSync(path)) ?? tool;
}

function script(path: string, lines: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}

const standIn = (path: string, version: string) => script(path, `echo "nats-server: v${version}"`);
const cached = (version: string) => join(root, "cache/natstate/nats-server", version, "nats-server");
const cachedFiles = () =>
  existsSync(join(root, "cache")) ? readdirSync(join(root, "cache"), { recursive: true }) : [];

/** A release with a stand-in for this platform, and the paths that were asked for. */
async function releaseServer(answer?: RequestListener) {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const arch = { x64: "amd64", ia32: "386", arm: "arm7" }[process.arch as string] ?? process.arch;
  const folder = `nats-server-v${fetchedServerVersion}-${os}-${arch}`;
  standIn(join(root, folder, "nats-server"), fetchedServerVersion);
  const archive = execFileSync("tar", ["-czf", "-", folder], { cwd: root });
  const sums = `${"0".repeat(64)}  another-file.zip\n${createHash("sha256").update(archive).digest("hex")}  ${folder}.tar.gz\n`;

  const requests: string[] = [];
  const files: Record<string, Buffer | string> = {
    [`/v${fetchedServerVersion}/SHA256SUMS`]: sums,
    [`/v${fetchedServerVersion}/${folder}.tar.gz`]: archive,
  };
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    if (answer) return answer(request, response);
    const body = files[request.url ?? ""];
    if (body === undefined) response.writeHead(404);
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close().closeAllConnections());
  env.NATSTATE_NATS_RELEASES = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { requests, files, archivePath: `/v${fetchedServerVersion}/${folder}.tar.gz` };
}

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

test("with none at hand the release is fetched once, checked and kept", async () => {
  const { requests, archivePath } = await releaseServer();
  const progress: unknown[] = [];
  const fetched = await findServerBinary({ env, checksums, onProgress: (step) => progress.push(step) });
  expect(fetched).toEqual({ path: cached(fetchedServerVersion), version: fetchedServerVersion, source: "release" });
  expect(requests).toEqual([`/v${fetchedServerVersion}/SHA256SUMS`, archivePath]);
  expect(progress).toContainEqual(expect.objectContaining({ receivedBytes: expect.any(Number) }));
  expect(progress).toContainEqual({ message: expect.stringContaining("natstate knows no checksum of ") });
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
  const timeouts = { firstByteMs: 100, stallMs: 100 };
  await expect(findServerBinary({ env, checksums, timeouts })).rejects.toThrow(message);
  expect(cachedFiles()).toEqual(["natstate", join("natstate", "nats-server")]);
});

test("two that fetch at once both end with the one good binary", async () => {
  await releaseServer();
  const both = await Promise.all([findServerBinary({ env, checksums }), findServerBinary({ env, checksums })]);
  expect(both.map(({ path }) => path)).toEqual([cached(fetchedServerVersion), cached(fetchedServerVersion)]);
  expect(cachedFiles().filter((name) => String(name).includes(".fetch-"))).toEqual([]);
});

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
