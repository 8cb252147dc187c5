import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fetchedServerVersion } from "../../src/nats-server/binary.ts";
import { freePort } from "../../src/nats-server/ready.ts";

/** A test's own directory. */
export let root: string;
/** The only directory on its PATH, with what unpacking needs. */
export let bin: string;
/** Its environment: no server, an empty cache, a mirror that refuses. */
export let env: NodeJS.ProcessEnv;

/** The stand-ins are not what is known of the real ones. */
export let checksums: Record<string, string>;

const cleanups: (() => unknown)[] = [];

/** Gives the test a place of its own, with no nats-server in it. */
export async function openPlace(): Promise<void> {
  checksums = {};
  root = mkdtempSync(join(tmpdir(), "natstate-binary-"));
  bin = join(root, "bin");
  mkdirSync(bin);
  for (const tool of ["tar", "gzip", "mkdir", "cp"]) symlinkSync(onPath(tool), join(bin, tool));
  // A mirror that refuses at once, and no apt-get on this PATH.
  const nobody = `http://127.0.0.1:${await freePort()}`;
  env = { PATH: bin, NATSTATE_CACHE: join(root, "cache"), NATSTATE_NATS_RELEASES: nobody };
}

/** Takes it away, and the mirrors of it. */
export async function closePlace(): Promise<void> {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  rmSync(root, { recursive: true, force: true });
}

function onPath(tool: string): string {
  const found = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, tool));
  return found.find((path) => existsSync(path)) ?? tool;
}

/** An executable of these shell lines. */
export function script(path: string, lines: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}

/** A program that says it is a nats-server of that version. */
export const standIn = (path: string, version: string) => script(path, `echo "nats-server: v${version}"`);

/** Where the cache keeps that version. */
export const cached = (version: string) => join(root, "cache/natstate/nats-server", version, "nats-server");

/** All that is in the cache. */
export const cachedFiles = () =>
  existsSync(join(root, "cache")) ? readdirSync(join(root, "cache"), { recursive: true }) : [];

/** A release with a stand-in for this platform, and the paths that were asked for. */
export async function releaseServer(answer?: RequestListener) {
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
