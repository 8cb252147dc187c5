import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import type { Fault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";
import type { World } from "./world.ts";

const ROOT = join(import.meta.dirname, "../..");
const REFUSAL = /is damaged.*natstate rebuild/s;
const FLIP_ROUNDS = 10;

/** The SQLite file is gone, old, or not what was written. */
export const damage: readonly Fault[] = [
  {
    name: "store-deleted",
    about: "kill -9 and the store deleted",
    leastStrikes: 3,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async () => {
        await pause(world.random.whole(20, 300));
        await world.daemon().kill9();
        removeStore(world);
        world.struck();
        await world.start();
      });
    },
  },
  {
    name: "store-older",
    about: "kill -9 and an older copy restored, twice the same one",
    leastStrikes: 2,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async (round) => {
        await pause(world.random.whole(20, 300));
        const copy = `${world.storeFile}.copy`;
        if (round === 0) {
          await world.daemon().stop();
          copyFileSync(world.storeFile, copy);
        } else {
          await world.daemon().kill9();
          removeStore(world);
          copyFileSync(copy, world.storeFile);
          world.struck();
        }
        await world.start();
      });
    },
  },
  {
    name: "store-truncated",
    about: "the file cut off: refused with the command, which is then run",
    leastStrikes: 3,
    async strike(world) {
      await world.start();
      await underLoad(world, 3, async (round) => {
        await world.settle();
        await world.daemon().stop();
        const { size } = statSync(world.storeFile);
        truncateSync(world.storeFile, [Math.floor(size / 2), size - 4096, 5000][round] ?? 5000);
        await refused(world);
        world.struck();
        if (round === 0) rebuild(world);
        else moveAway(world);
        await world.start();
      });
    },
  },
  {
    name: "bits-flipped",
    about: "1 to 64 bits flipped: refused, healed from events, or found by `natstate verify`; DECISIONS never wrong",
    leastStrikes: FLIP_ROUNDS,
    async strike(world) {
      const fates = { refused: 0, unharmed: 0, "found by verify": 0 };
      await world.start();
      await underLoad(world, FLIP_ROUNDS, async (round, published) => {
        await published;
        await world.settle();
        await world.daemon().stop();
        flipBits(world, 2 ** (round % 7));
        world.struck();
        fates[await fateOf(world)]++;
      });
      world.note(`files with flipped bits: ${JSON.stringify(fates)}`);
    },
  },
  {
    name: "poisoned-rows",
    about: "snapshots with a bad checksum, unknown state, 'null', another version: rebuilt from events",
    leastStrikes: 40,
    async strike(world) {
      await world.start();
      await underLoad(
        world,
        2,
        async (round) => {
          if (round === 0) return;
          await world.settle();
          await world.daemon().stop();
          world.struck(poison(world.storeFile));
          await world.start();
        },
        60,
      );
    },
  },
];

export function removeStore({ storeFile }: World): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${storeFile}${suffix}`, { force: true });
}

function moveAway({ storeFile }: World): void {
  for (const suffix of ["", "-wal", "-shm"]) {
    try {
      renameSync(`${storeFile}${suffix}`, `${storeFile}${suffix}.damaged`);
    } catch {}
  }
}

async function refused(world: World): Promise<void> {
  const output = await world.refusal();
  if (!REFUSAL.test(output)) throw new Error(`expected a refusal like ${REFUSAL}, it said:\n${output.slice(-2000)}`);
}

/** What the refusal tells to run. */
function rebuild(world: World): void {
  const { status, output } = natstate(world, "rebuild");
  if (status !== 0) throw new Error(`natstate rebuild ended with ${status}:\n${output}`);
}

function natstate({ dataDir, server }: World, ...command: string[]): { status: number | null; output: string } {
  const env = { PATH: process.env.PATH, NATSTATE_DATA: dataDir, NATS_URL: server.url };
  const { status, stdout, stderr } = spawnSync(process.execPath, ["src/cli.ts", ...command], { cwd: ROOT, env });
  return { status, output: `${stdout}${stderr}` };
}

function flipBits({ storeFile, random }: World, count: number): void {
  const bytes = readFileSync(storeFile);
  for (let flip = 0; flip < count; flip++) {
    const at = random.whole(0, bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.whole(0, 7));
  }
  writeFileSync(storeFile, bytes);
}

/** Starts on a damaged file, and makes the store anew afterwards, as one is told to. */
async function fateOf(world: World): Promise<Fate> {
  const fate = await liveOn(world).catch((error: unknown): Fate => {
    if (/is damaged|malformed|not a database/.test(String(error))) return "refused";
    throw error;
  });
  moveAway(world);
  await world.start();
  return fate;
}

type Fate = "refused" | "unharmed" | "found by verify";

async function liveOn(world: World): Promise<Fate> {
  const daemon = await world.start();
  // What is damaged may be noticed only when it is written.
  await world.publish(world.traffic(10));
  await world.settle(daemon);
  const { lost, doubled, wrong } = await world.checker.check(daemon.httpUrl);
  const differences = [...lost, ...doubled, ...wrong];
  const verified = differences.length > 0 ? natstate(world, "verify", "--all") : undefined;
  await daemon.stop();
  if (verified === undefined) return "unharmed";
  if (verified.status === 1) return "found by verify";
  throw new Error(`silently wrong, verify ended with ${verified.status}: ${differences[0]}\n${verified.output}`);
}

/** @returns how many rows were changed. */
function poison(storeFile: string): number {
  const db = new Database(storeFile);
  const snapshotOf = db.prepare("SELECT snapshot FROM actors WHERE key = ?").pluck();
  const save = db.prepare("UPDATE actors SET snapshot = ?, checksum = ? WHERE key = ?");
  const replace = (key: number, snapshot: string) => save.run(snapshot, crc32(snapshot), key);
  const ways: readonly ((key: number, snapshot: string) => void)[] = [
    (key) => db.prepare("UPDATE actors SET checksum = checksum + 1 WHERE key = ?").run(key),
    // Quite believable, but for the checksum.
    (key, snapshot) =>
      db
        .prepare("UPDATE actors SET snapshot = ? WHERE key = ?")
        .run(snapshot.replace('"status":"successful"', '"status":"failed"').replace("warehouse-", "warehouse-x"), key),
    (key, snapshot) => replace(key, snapshot.replace(/"value":"\w+"/, '"value":"teleported"')),
    (key) => replace(key, "null"),
    (key) => replace(key, "{}"),
    (key) => replace(key, '{"status":'),
    (key, snapshot) => replace(key, snapshot.replace('"status":"active"', '"status":"done"')),
    (key) => db.prepare("UPDATE actors SET machine_version = machine_version + 1 WHERE key = ?").run(key),
  ];
  const keys = db.prepare("SELECT key FROM actors ORDER BY key").pluck().all() as number[];
  for (const [index, key] of keys.entries()) ways[index % ways.length]?.(key, snapshotOf.get(key) as string);
  db.close();
  return keys.length;
}
