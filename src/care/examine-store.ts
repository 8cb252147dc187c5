import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { checkStore, type StoreCheckup, type StoredPartition, type StoreRows } from "../store/checkup.ts";
import { findLeftovers } from "../store/workspace.ts";
import { bytesText, type Finding, ok, problem, warning } from "./finding.ts";

const GIB = 1024 ** 3;
/** A checkpoint of SQLite comes every 40 MiB; a log this long says that something keeps it from happening. */
const LONG_WAL_BYTES = GIB;
const LOW_DISK_BYTES = GIB;
const NO_DISK_BYTES = 100 * 1024 ** 2;
const OLD_PENDING_MS = 60_000;

/**
 * Examines a store and the disk it is on. Changes nothing.
 *
 * @param nowMs - ms since the epoch.
 * @param others - partitions that other daemons hold: what waits there is told of their stores.
 */
export function examineStore(storeFile: string, nowMs: number, others: readonly StoredPartition[] = []): Finding[] {
  const found = examineFile(storeFile, nowMs, others);
  return [...found, ...examineLeftovers(storeFile), examineDisk(dirname(storeFile))];
}

function examineLeftovers(storeFile: string): Finding[] {
  return findLeftovers(storeFile).map(({ directory, bytes }) =>
    warning("leftovers", `${directory}, ${bytesText(bytes)}, of a verify that was killed`, `rm -r ${directory}`),
  );
}

function examineFile(storeFile: string, nowMs: number, others: readonly StoredPartition[]): Finding[] {
  let found: StoreCheckup | undefined;
  try {
    found = checkStore(storeFile, others);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = code === "EACCES" ? "run this as the user that runs natstate" : "npx natstate rebuild";
    return [problem("store", `${storeFile} cannot be read: ${message}`, advice)];
  }
  if (found === undefined) {
    return [warning("store", `there is none at ${storeFile}`, "npx natstate start makes it; or set NATSTATE_DATA")];
  }
  const rows = found.rows === null ? [] : [examinePending(found.rows, nowMs), ...examineCounts(found.rows)];
  return [examineTables(found), examineSize(found), ...rows];
}

function examineTables({ schema, knownSchema, movedPercent, damage }: StoreCheckup): Finding {
  if (damage !== null) return problem("store", `damaged: ${damage}`, "stop natstate, then: npx natstate rebuild");
  if (schema > knownSchema) {
    return problem("store", `schema ${schema}, this natstate knows ${knownSchema}`, "use the newer natstate");
  }
  if (movedPercent !== undefined) {
    return warning("store", `${movedPercent} % are brought up to date`, "npx natstate start goes on with it");
  }
  if (schema < knownSchema) {
    return warning("store", `schema ${schema} of ${knownSchema}`, "npx natstate start brings it up to date");
  }
  return ok("store", `sound, schema ${schema}`);
}

function examineSize({ bytes, walBytes }: StoreCheckup): Finding {
  const detail = `${bytesText(bytes)}, write-ahead log ${bytesText(walBytes)}`;
  if (walBytes < LONG_WAL_BYTES) return ok("store size", detail);
  return warning("store size", detail, "a reader holds it open for long: is a verify, a backup or sqlite3 running?");
}

function examinePending({ pending, oldestPendingMs }: StoreRows, nowMs: number): Finding {
  if (oldestPendingMs === null) return ok("publishing", "everything is published");
  const ageMs = nowMs - oldestPendingMs;
  const detail = `${pending} decisions and dead letters wait, the oldest cause is ${Math.round(ageMs / 1000)} s old`;
  if (ageMs < OLD_PENDING_MS) return ok("publishing", detail);
  return warning(
    "publishing",
    detail,
    "start natstate if it does not run; otherwise its log says why they are refused",
  );
}

function examineCounts({ quarantined, deadLetters }: StoreRows): Finding[] {
  return [
    quarantined === 0
      ? ok("quarantine", "nothing is quarantined")
      : warning(
          "quarantine",
          `${quarantined} are quarantined`,
          "npx natstate quarantine list; after a fix: release --all",
        ),
    deadLetters === 0
      ? ok("dead letters", "none")
      : warning("dead letters", `${deadLetters} messages could not be read`, "npx natstate dead-letters list"),
  ];
}

function examineDisk(directory: string): Finding {
  if (!existsSync(directory)) return warning("disk", `${directory} is not there`, "npx natstate start makes it");
  const { bavail, blocks, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  const detail = `${bytesText(free)} of ${bytesText(blocks * bsize)} free under ${directory}`;
  if (free < NO_DISK_BYTES) return problem("disk", detail, "make room: commits fail and nothing is acknowledged");
  if (free < LOW_DISK_BYTES) return warning("disk", detail, "make room soon");
  return ok("disk", detail);
}
