import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isSafeMirror } from "../config/values.ts";
import { KNOWN_CHECKSUMS } from "./checksums.ts";

/** How long a download may be silent, in milliseconds; a slow one that keeps coming has all the time it needs. */
export interface FetchTimeouts {
  /** From the request to the first byte of the body, redirects included. */
  firstByteMs: number;
  /** Between two pieces of the body. */
  stallMs: number;
}

export interface FetchRequest {
  env: NodeJS.ProcessEnv;
  /** An empty directory the caller removes afterwards. */
  workDir: string;
  version: string;
  /** Lines for a person. */
  onProgress: (message: string) => void;
  timeouts?: FetchTimeouts;
  checksums?: Readonly<Record<string, string>>;
}

const officialReleases = "https://github.com/nats-io/nats-server/releases/download";
const maxArchiveBytes = 256 * 1024 * 1024;
const osNames: Partial<Record<NodeJS.Platform, string>> = { win32: "windows" };
const archNames: Partial<Record<NodeJS.Architecture, string>> = { x64: "amd64", ia32: "386", arm: "arm7" };

/**
 * Fetches nats-server from its official release (or NATSTATE_NATS_RELEASES, a mirror laid out like it) into `workDir`.
 * The archive is unpacked only after its SHA-256 equals the one in the release's SHA256SUMS, and the one that is known.
 *
 * @returns the path of the executable; not yet run.
 * @throws Error when the host is silent, has no such file, or the checksum differs.
 */
export async function fetchRelease(request: FetchRequest): Promise<string> {
  const { env, workDir, version, onProgress, timeouts = { firstByteMs: 5_000, stallMs: 20_000 } } = request;
  const { checksums = KNOWN_CHECKSUMS } = request;
  const base = `${(env.NATSTATE_NATS_RELEASES || officialReleases).replace(/\/+$/, "")}/v${version}`;
  const os = osNames[process.platform] ?? process.platform;
  const folder = `nats-server-v${version}-${os}-${archNames[process.arch] ?? process.arch}`;

  onProgress(`looking for nats-server ${version} at ${base}`);
  const sums = await download(`${base}/SHA256SUMS`, timeouts);
  const archives = [`${folder}.tar.gz`, `${folder}.zip`];
  // Where one is known, no other name will do: whoever lists it lists what is known of it, or nothing.
  const pinned = archives.filter((archive) => Object.hasOwn(checksums, archive));
  const { name, sha256 } = listedArchive(sums.toString("utf8"), pinned.length > 0 ? pinned : archives);
  const known = checksums[name];
  if (known === undefined) {
    onProgress(`natstate knows no checksum of ${name}: only ${base}/SHA256SUMS says what it has to be`);
  } else if (known !== sha256) {
    throw new Error(`${base}/SHA256SUMS says ${sha256} of ${name}, which is known to have ${known}: refused`);
  }

  onProgress(`downloading ${base}/${name}`);
  const archive = await download(`${base}/${name}`, timeouts);
  const actual = createHash("sha256").update(archive).digest("hex");
  if (actual !== sha256) throw new Error(`${base}/${name} has SHA-256 ${actual}, SHA256SUMS says ${sha256}: refused`);

  await writeFile(join(workDir, name), archive);
  // Windows brings a tar that unpacks zip files too; another one may come first on PATH.
  const tar = process.platform === "win32" ? join(env.SystemRoot ?? "C:\\Windows", "System32", "tar.exe") : "tar";
  await promisify(execFile)(tar, ["--no-same-owner", "-xf", name], { cwd: workDir, env });
  const executable = (await readdir(join(workDir, folder))).find((file) => /^nats-server(\.exe)?$/.test(file));
  if (!executable) throw new Error(`${base}/${name} holds no nats-server`);
  return join(workDir, folder, executable);
}

/** The line `<hex>  <name>` of this platform; the tar is preferred, every `tar` program can unpack it. */
function listedArchive(sums: string, names: readonly string[]): { name: string; sha256: string } {
  const lines = sums.split("\n").map((line) => line.trim().split(/\s+\*?/));
  for (const name of names) {
    const sha256 = lines.find((line) => line[1] === name)?.[0]?.toLowerCase();
    if (sha256 && /^[0-9a-f]{64}$/.test(sha256)) return { name, sha256 };
  }
  throw new Error(`SHA256SUMS does not list ${names.join(" or ")}`);
}

/** What comes by http may be anybody's, SHA256SUMS included. */
function refuseOpenWay(url: string): void {
  if (!isSafeMirror(url)) throw new Error(`${url} is neither https nor on this machine: refused`);
}

async function download(url: string, { firstByteMs, stallMs }: FetchTimeouts): Promise<Buffer> {
  const abort = new AbortController();
  const giveUp = (why: string, afterMs: number) => setTimeout(() => abort.abort(new Error(why)), afterMs);
  let timer = giveUp(`no answer within ${firstByteMs} ms`, firstByteMs);
  try {
    refuseOpenWay(url);
    const response = await fetch(url, { signal: abort.signal });
    // Where it was sent on to.
    refuseOpenWay(response.url);
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
    const chunks: Uint8Array[] = [];
    let receivedBytes = 0;
    for await (const chunk of response.body) {
      chunks.push(chunk);
      receivedBytes += chunk.byteLength;
      clearTimeout(timer);
      timer = giveUp(`stalled for ${stallMs} ms after ${receivedBytes} bytes`, stallMs);
      if (receivedBytes > maxArchiveBytes) throw new Error(`larger than ${maxArchiveBytes} bytes`);
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    throw new Error(`could not fetch ${url}`, { cause });
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}
