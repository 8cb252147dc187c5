import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, readDockerfile } from "./files.ts";

/** The user of the image. */
const USER = 1000;

/** Can a container's locks be had without a container engine: namespaces, and another user? */
export function canLock(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const tools = ["--mount", "--pid", "--fork", "--mount-proc", "setpriv", "--reuid", String(USER), "true"];
  return spawnSync("unshare", tools).status === 0;
}

/** What docker would run: files, variables and commands as the Dockerfile says. */
export interface Image {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly start: readonly string[];
  readonly healthCheck: readonly string[];
}

/** Lays the image's files out below a new directory; dependencies are mounted instead of installed, see {@link startLocked}. */
export function layOutImage(): Image {
  const directory = mkdtempSync(join(tmpdir(), "natstate-image-"));
  chmodSync(directory, 0o755);
  const image = readDockerfile().at(-1) ?? [];
  const of = (name: string) => image.filter((one) => one.name === name).map(({ text }) => text);
  const parse = (text = "") => JSON.parse(text.slice(text.indexOf("["))) as string[];
  for (const text of of("COPY")) {
    if (text.startsWith("--from=dependencies /natstate/node_modules ")) continue;
    const names = text.split(" ");
    const target = names.pop() ?? "";
    for (const name of names)
      cpSync(join(ROOT, name), join(directory, target.endsWith("/") ? name : target), { recursive: true });
  }
  mkdirSync(join(directory, "node_modules"));
  return {
    directory,
    env: Object.fromEntries(
      of("ENV").map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]),
    ),
    start: [...parse(of("ENTRYPOINT")[0]), ...parse(of("CMD")[0])],
    healthCheck: parse(of("HEALTHCHECK")[0]),
  };
}

/** A directory that the image's user, and nobody else, may enter. */
export function makeVolume(): string {
  const volume = mkdtempSync(join(tmpdir(), "natstate-volume-"));
  chownSync(volume, USER, USER);
  chmodSync(volume, 0o700);
  return volume;
}

/** A process as in a container: first of its own processes, no root, no capability, nothing writable but its volumes. */
export interface Locked {
  readonly output: () => string;
  readonly exited: Promise<number | null>;
  /** To the process itself, past the namespace's keeper. */
  signal(signal: NodeJS.Signals): void;
}

/** Starts `command` in the image, with nothing in its environment but `env`. */
export function startLocked(
  command: readonly string[],
  { directory }: Image,
  env: Record<string, string>,
  volumes: readonly string[],
): Locked {
  const dependencies = join(directory, "node_modules");
  const mounts = [[join(ROOT, "node_modules"), dependencies], ...volumes.map((volume) => [volume, volume])]
    .map(([from, to]) => `mount --bind ${from} ${to}`)
    .join(" && ");
  const lock = `--reuid ${USER} --regid ${USER} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all`;
  // Not everything below / need be one file system.
  const readOnly = `for at in / /tmp ${dependencies}; do mountpoint -q $at && mount -o remount,bind,ro $at; done`;
  const script = `${mounts} && ${readOnly}; cd ${directory} && exec setpriv ${lock} "$@"`;
  const keeper = spawn(
    "unshare",
    ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script, "sh", ...command],
    {
      env: { PATH: `${dependencies}/.bin:/usr/bin:/bin`, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [keeper.stdout, keeper.stderr]) stream.on("data", (chunk) => (output += chunk));
  return {
    output: () => output,
    exited: once(keeper, "exit").then(([code]) => code as number | null),
    signal: (signal) => process.kill(childOf(keeper), signal),
  };
}

function childOf({ pid }: ChildProcess): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  return Number(child);
}
