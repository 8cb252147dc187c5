import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { examineStore } from "../../src/care/examine-store.ts";
import { lanes, openFilled } from "./filled-lane.ts";

it("doctor tells of a store what waits in it, but for partitions that other daemons hold", () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-checkup-"));
  try {
    const file = join(dir, "natstate.db");
    openFilled().db.exec(`VACUUM INTO '${file}'`);
    const levels = (others: typeof lanes) => {
      const found = examineStore(
        file,
        Date.now(),
        others.map(({ type, partition }) => ({ type: type.name, partition })),
      );
      const levelOf = (name: string) => found.find(({ check }) => check === name)?.level;
      return ["publishing", "quarantine", "dead letters"].map(levelOf);
    };
    expect(levels([])).toEqual(["warning", "warning", "warning"]);
    expect(levels(lanes)).toEqual(["ok", "ok", "ok"]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
