import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { startEmbeddedServer } from "../../src/nats-server/embedded.ts";
import { querySubject } from "../../src/wire/names.ts";
import { CONTENDERS, type RunningContender } from "./contender.ts";
import { cpuMicroseconds } from "./cpu.ts";
import { median, table } from "./report.ts";

/** What is asked of a store, and what it takes. */
export interface Question {
  readonly what: string;
  readonly ms: number;
  /** The slowest; null where it was asked once. */
  readonly maxMs: number | null;
}

const ASKED = 50;
const HISTORIES = 300;
const CLI = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

/** Of a daemon that rests: a page of each kind of list, the history of orders anywhere in the store, `verify --all`. */
export async function askQuestions(running: RunningContender, type: ActorType, dataDir: string): Promise<Question[]> {
  const { nc } = running;
  const ask = async (subject: string, body = "") => (await nc.request(subject, body, { timeout: 60_000 })).json();
  const [first] = type.states;
  const lists = [
    {},
    { state: first },
    { state: type.states.at(-1) },
    { decision: "none" },
    { decision: type.decisionTypes[0] },
    { incomplete: true },
    { waitingFor: Object.keys(type.events)[0] },
    { updatedBefore: new Date().toISOString() },
  ];
  const questions: Question[] = [];
  for (const filter of lists) {
    const body = JSON.stringify(filter);
    questions.push(await timed(`list ${body}`, ASKED, () => ask(querySubject(type, "list"), body)));
  }
  const ids = idsAnywhere(join(dataDir, CONTENDERS.b.store));
  const history = (nth: number) => ask(querySubject(type, "history", ids[nth % ids.length]));
  questions.push(await timed("history of one", HISTORIES, history));
  return [...questions, await command(["verify", "--all"], `nats://${nc.getServer()}`, dataDir)];
}

/** `rebuild`: of a store nobody has. */
export async function rebuildStore(binary: string, natsDir: string, dataDir: string): Promise<Question> {
  const server = await startEmbeddedServer({ binary, dataDir: natsDir });
  try {
    return await command(["rebuild"], server.url, dataDir);
  } finally {
    await server.stop();
  }
}

/** As people read it. */
export function printQuestions(questions: readonly Question[]): string {
  const rows = questions.map(({ what, ms, maxMs }) => [what, ms.toFixed(1), maxMs === null ? "" : maxMs.toFixed(1)]);
  return table([["asked", "ms", "slowest"], ...rows]);
}

function idsAnywhere(file: string): string[] {
  const db = new Database(file, { readonly: true });
  const ids = db.prepare("SELECT id FROM actors ORDER BY random() LIMIT ?").pluck().all(HISTORIES) as string[];
  db.close();
  return ids;
}

async function timed(what: string, times: number, ask: (nth: number) => Promise<unknown>): Promise<Question> {
  const took: number[] = [];
  for (let nth = 0; nth < times; nth++) {
    const startedMs = performance.now();
    await ask(nth);
    took.push(performance.now() - startedMs);
  }
  return { what, ms: median(took), maxMs: Math.max(...took) };
}

/** @throws when it ends with anything but 0. */
async function command(args: readonly string[], natsUrl: string, dataDir: string): Promise<Question> {
  const env = { ...process.env, NATS_URL: natsUrl, NATSTATE_DATA: dataDir };
  const startedMs = performance.now();
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ["ignore", "ignore", "inherit"] });
  let cpuUs = 0;
  const look = setInterval(() => {
    cpuUs = Math.max(cpuUs, cpuMicroseconds(child.pid ?? 0));
  }, 100);
  const [code] = await once(child, "exit");
  clearInterval(look);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  const what = `${args.join(" ")}, ${(cpuUs / 1e6).toFixed(1)} s of CPU`;
  return { what, ms: performance.now() - startedMs, maxMs: null };
}
