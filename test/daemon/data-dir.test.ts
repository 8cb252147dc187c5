import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { takeDataDir } from "../../src/daemon/data-dir.ts";

/** In place of a file system without modes, which nobody may mount here. */
const chmod = vi.hoisted(() => vi.fn<(path: string) => void>());
vi.mock("node:fs", async (original) => ({ ...(await original<typeof import("node:fs")>()), chmodSync: chmod }));

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-modes-"));
  for (const name of ["natstate.db", "instance-id"]) writeFileSync(join(dir, name), "", { mode: 0o644 });
});
afterEach(() => rmSync(dir, { recursive: true }));

it.each([
  ["refuses", "EPERM"],
  ["does not know", "ENOTSUP"],
  ["is mounted read-only and cannot make", "EROFS"],
  ["passes over", undefined],
])("a file system that %s a change of modes keeps nobody from starting, and it is said once", (_name, code) => {
  chmod.mockImplementation((path) => {
    if (code !== undefined)
      throw Object.assign(new Error(`${code}: chmod '${path}'`), { code, path, syscall: "chmod" });
  });
  const said: string[] = [];
  takeDataDir({ NATSTATE_DATA: dir }, (line) => said.push(line));
  expect(said).toEqual([
    expect.stringContaining(
      `other users may get at ${join(dir, "instance-id")}, ${join(dir, "natstate.db")}: modes cannot`,
    ),
  ]);
  expect(statSync(join(dir, "natstate.db")).mode & 0o777).toBe(0o644);
});
