import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli } from "../e2e/cli-run.ts";

it("a module in a directory without node_modules imports natstate: it gets the one that runs it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-own-"));
  const module = join(dir, "actors.ts");
  writeFileSync(
    module,
    `import { defineActor } from "natstate";
     import * as client from "natstate/client";
     throw new Error([typeof defineActor, typeof client.publishEvent].join());`,
  );
  try {
    expect((await runCli(["schema", "--actors", module], {})).stderr).toContain("function,function");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
