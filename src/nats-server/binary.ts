import { execFile } from "node:child_process";
import { access, chmod, constants, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { promisify } from "node:util";
import { cacheRoot, makePrivate, refuseForeignBinary, takeCache } from "./cache.ts";
import { fetchDebianPackage } from "./debian.ts";
import { type FetchTimeouts, fetchRelease } from "./release.ts";

/** The oldest nats-server natstate works with: consumer reset came with 2.14. */
const oldestServerVersion = "2.14.0";

/** The nats-server that is fetched when none is found, and that the tests run with. */
export const fetchedServerVersion = "2.15.1";

/** A nats-server executable that has answered `--version`. */
export interface ServerBinary {
  /** Absolute. */
  path: string;
  /** For example `2.15.1`. */
  version: string;
  source: "env" | "path" | "cache" | "release" | "debian";
}

/** Where to look for a server, and whom to tell about a fetch. */
export interface FindOptions {
  /** Read: NATSTATE_NATS_SERVER, PATH, NATSTATE_CACHE, XDG_CACHE_HOME, NATSTATE_NATS_RELEASES. */
  env: NodeJS.ProcessEnv;
  /** Told in lines for a person how a fetch goes. */
  onProgress?: ((message: string) => void) | undefined;
  timeouts?: FetchTimeouts;
  /** What archives have to be, by name; what natstate knows of them when absent. */
  checksums?: Readonly<Record<string, string>>;
}

/** No usable nats-server; the message says what was tried and what a person can do. */
export class ServerBinaryError extends Error {
  override name = "ServerBinaryError";
}

/**
 * Finds a nats-server of at least 2.14.0: NATSTATE_NATS_SERVER, else PATH, else the cache,
 * else fetched once into the cache (official release, then Debian's package). Two processes may fetch at once.
 *
 * A bad NATSTATE_NATS_SERVER is an error, never passed over; one on PATH that is too old is passed over.
 *
 * @throws ServerBinaryError when there is none and none can be fetched.
 */
export async function findServerBinary(options: FindOptions): Promise<ServerBinary> {
  const { env } = options;
  const failures: string[] = [];
  return (
    (await fromEnv(env)) ??
    (await fromPath(env, failures)) ??
    (await fromCache(env, failures)) ??
    (await fetchIntoCache(options, failures))
  );
}

async function fromEnv(env: NodeJS.ProcessEnv): Promise<ServerBinary | undefined> {
  if (!env.NATSTATE_NATS_SERVER) return undefined;
  const path = resolve(env.NATSTATE_NATS_SERVER);
  try {
    return { path, version: await usableVersion(path), source: "env" };
  } catch (cause) {
    const why = `NATSTATE_NATS_SERVER names no usable nats-server: ${messageOf(cause)}`;
    throw new ServerBinaryError(`${why}. Correct it, or unset it to let natstate find or fetch one.`, { cause });
  }
}

async function fromPath(env: NodeJS.ProcessEnv, failures: string[]): Promise<ServerBinary | undefined> {
  for (const directory of (env.PATH ?? "").split(delimiter).filter(isAbsolute)) {
    const path = join(directory, executableName);
    if (!(await isExecutable(path))) continue;
    try {
      return { path, version: await usableVersion(path), source: "path" };
    } catch (cause) {
      failures.push(`PATH: ${messageOf(cause)}`);
    }
  }
  if (failures.length === 0) failures.push(`PATH: no ${executableName} on it`);
  return undefined;
}

/** The version we fetch first, then any other, newest first: a distribution's package may be of another version. */
async function fromCache(env: NodeJS.ProcessEnv, failures: string[]): Promise<ServerBinary | undefined> {
  const root = cacheRoot(env);
  const names = await readdir(root).catch(() => []);
  const versions = names.filter((name) => /^\d/.test(name)).sort((a, b) => compareVersions(b, a));
  for (const name of new Set([fetchedServerVersion, ...versions])) {
    const path = join(root, name, executableName);
    if (!(await isExecutable(path))) continue;
    try {
      await refuseForeignBinary(path, root);
      return { path, version: await usableVersion(path), source: "cache" };
    } catch (cause) {
      failures.push(`cache: ${messageOf(cause)}`);
    }
  }
  return undefined;
}

async function fetchIntoCache(options: FindOptions, failures: string[]): Promise<ServerBinary> {
  const { env, timeouts, checksums, onProgress = () => {} } = options;
  const root = cacheRoot(env);
  const fetchers = { release: fetchRelease, debian: fetchDebianPackage };
  for (const source of ["release", "debian"] as const) {
    try {
      const workDir = await workDirectory(root);
      try {
        const request = { env, workDir, version: fetchedServerVersion, onProgress, timeouts, checksums };
        const fetched = await install(await fetchers[source](request), root);
        onProgress(`nats-server ${fetched.version} is ready at ${fetched.path}`);
        return { ...fetched, source };
      } finally {
        await rm(workDir, { recursive: true, force: true });
      }
    } catch (cause) {
      failures.push(`${source}: ${messageOf(cause)}`);
      onProgress(`no nats-server from ${source}: ${messageOf(cause)}`);
    }
  }
  throw new ServerBinaryError(
    `No nats-server ${oldestServerVersion} or newer was found or could be fetched. Any one of these helps:
  - install nats-server and put it on PATH
  - set NATSTATE_NATS_SERVER to the path of one
  - allow the download from github.com, or set NATSTATE_NATS_RELEASES to a mirror of its release downloads
(or set NATS_URL to use a server that is running already). What was tried:
${failures.map((failure) => `  - ${failure}`).join("\n")}`,
  );
}

/** Beside the final place, so that a rename is enough; what an interrupted fetch left an hour ago is removed. */
async function workDirectory(root: string): Promise<string> {
  await takeCache(root);
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const left = name.startsWith(".fetch-") && (await stat(path).catch(() => undefined));
    if (left && left.mtimeMs < Date.now() - 3_600_000) await rm(path, { recursive: true, force: true });
  }
  return await mkdtemp(join(root, ".fetch-"));
}

/** Runs it once, then moves it into place in one step: a reader sees a whole binary or none. */
async function install(fetchedPath: string, root: string): Promise<{ path: string; version: string }> {
  await chmod(fetchedPath, 0o755);
  const version = await usableVersion(fetchedPath);
  const path = join(root, version, executableName);
  await makePrivate(join(root, version));
  try {
    await rename(fetchedPath, path);
  } catch (cause) {
    // Windows does not replace a program that runs; another process has put the same version there.
    if ((await usableVersion(path).catch(() => undefined)) !== version) throw cause;
  }
  return { path, version };
}

/** @throws Error saying what `path` is, when it is not an executable nats-server that is new enough. */
async function usableVersion(path: string): Promise<string> {
  if (!(await isExecutable(path))) throw new Error(`${path} is not an executable file`);
  const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 10_000 });
  const version = /nats-server: v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (!version) throw new Error(`${path} --version did not answer like a nats-server`);
  if (compareVersions(version, oldestServerVersion) < 0)
    throw new Error(`${path} is ${version}, older than ${oldestServerVersion}`);
  return version;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** By the three numbers; a pre-release (`-RC.1`) comes before its release. */
function compareVersions(a: string, b: string): number {
  const [left = "", right = ""] = [a, b].map((version) => version.split("-")[0]);
  const byNumber = left.localeCompare(right, "en", { numeric: true });
  return byNumber || Number(b.includes("-")) - Number(a.includes("-"));
}

const executableName = process.platform === "win32" ? "nats-server.exe" : "nats-server";

/** The whole chain: `fetch failed` says nothing by itself, its cause does. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : error.name;
  const own = error.message.trim() || code;
  return error.cause === undefined ? own : `${own}: ${messageOf(error.cause)}`;
}
