import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the CPU of one process went during a run, self time, largest first. */
export interface Profile {
  /** Sampled time within the run, idle included. */
  readonly totalMs: number;
  readonly idleMs: number;
  readonly functions: readonly Share[];
  /** By package, or folder of ours. SQLite's time is its caller's: `src/store`, and `better-sqlite3` for BEGIN and COMMIT. */
  readonly rooms: readonly Share[];
}

export interface Share {
  readonly name: string;
  readonly ms: number;
}

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

interface Node {
  readonly id: number;
  readonly callFrame: Frame;
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly nodes: readonly Node[];
  /** µs on the monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Options for Node under which it writes the profile {@link readProfile} reads. */
export function profileArgs(dir: string): string[] {
  return ["--cpu-prof", `--cpu-prof-dir=${dir}`, "--cpu-prof-interval=200"];
}

/** Aggregates the one profile in `dir`, only what falls between `bounds` (µs on the monotonic clock). */
export async function readProfile(dir: string, [fromUs, toUs]: readonly [number, number]): Promise<Profile> {
  const [file = ""] = await readdir(dir);
  const { nodes, samples, timeDeltas, startTime } = JSON.parse(await readFile(join(dir, file), "utf8")) as CpuProfile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const functions = new Map<string, number>();
  const rooms = new Map<string, number>();
  let totalMs = 0;
  let idleMs = 0;
  let atUs = startTime;
  for (const [index, id] of samples.entries()) {
    atUs += timeDeltas[index] ?? 0;
    const ms = Math.max(0, timeDeltas[index + 1] ?? 0) / 1000;
    const node = byId.get(id);
    if (node === undefined || atUs < fromUs || atUs > toUs) continue;
    totalMs += ms;
    if (node.callFrame.functionName === "(idle)") {
      idleMs += ms;
      continue;
    }
    const caller = callerOf(node, byId, parents);
    add(functions, nameOf(node.callFrame, caller), ms);
    add(rooms, roomOf(node.callFrame, caller), ms);
  }
  return { totalMs, idleMs, functions: largestFirst(functions), rooms: largestFirst(rooms) };
}

/** The nearest frame with a file: native code is known by who called it. */
function callerOf(
  node: Node,
  byId: ReadonlyMap<number, Node>,
  parents: ReadonlyMap<number, number>,
): Frame | undefined {
  for (let at: Node | undefined = node; at !== undefined; at = byId.get(parents.get(at.id) ?? -1)) {
    if (at.callFrame.url !== "") return at.callFrame;
  }
  return undefined;
}

function nameOf(frame: Frame, caller: Frame | undefined): string {
  const name = frame.functionName || "(anonymous)";
  if (frame.url !== "") return `${name}  ${shortUrl(frame.url)}:${frame.lineNumber + 1}`;
  if (caller === undefined || isWhole(frame)) return name;
  return `${name}  native, called by ${caller.functionName || "(anonymous)"} ${shortUrl(caller.url)}:${caller.lineNumber + 1}`;
}

function roomOf(frame: Frame, caller: Frame | undefined): string {
  if (caller === undefined || isWhole(frame)) return frame.functionName;
  const native = frame.url === "";
  const url = native ? caller.url : frame.url;
  const suffix = native ? " (native calls)" : "";
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (dependency !== undefined) return `${dependency}${suffix}`;
  if (url.startsWith("node:")) return `node:*${suffix}`;
  return `${/\/((?:src\/|machines\/|test\/)[^/]*)/.exec(url)?.[1] ?? url}${suffix}`;
}

/** `(garbage collector)` and `(program)` belong to the whole process, not to who happened to run. */
function isWhole({ functionName }: Frame): boolean {
  return functionName === "(garbage collector)" || functionName === "(program)";
}

function shortUrl(url: string): string {
  const path = url.startsWith("file:") ? fileURLToPath(url) : url;
  return path.replace(/^.*\/node_modules\//, "").replace(/^.*\/(src|machines|test)\//, "$1/");
}

function add(sums: Map<string, number>, name: string, ms: number): void {
  sums.set(name, (sums.get(name) ?? 0) + ms);
}

function largestFirst(sums: ReadonlyMap<string, number>): Share[] {
  return [...sums].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}
