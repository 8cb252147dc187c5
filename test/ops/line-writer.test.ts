import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";

const OPS = join(import.meta.dirname, "../../src/ops");

/** A process whose log this test reads. */
type Logging = ChildProcessByStdio<null, Readable, Readable>;

/** Starts one; `script` sees `createLineWriter`, `logger` and `log(from, to)`, which writes numbered lines. */
function start(script: string, { pretty = false, preamble = "" } = {}): Logging {
  const source = `
    ${preamble}
    import { createLineWriter } from ${JSON.stringify(join(OPS, "line-writer.ts"))};
    import { createLogger } from ${JSON.stringify(join(OPS, "log.ts"))};
    const logger = createLogger({ level: "info", pretty: ${pretty} });
    const log = (from, to) => { for (let i = from; i < to; i++) logger.info("line-" + i + "-" + "x".repeat(100)); };
    ${script}`;
  return spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", "pipe", "pipe"] });
}

async function linesOf(child: Logging): Promise<number[]> {
  const written = await text(child.stdout);
  return [...written.matchAll(/line-(\d+)-/g)].map(([, index]) => Number(index));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("at exit", () => {
  test.each([
    ["process.exit", false, "process.exit(0)"],
    ["process.exit, to a terminal's reader", true, "process.exit(0)"],
    ["an uncaught exception", false, "throw new Error('gone')"],
    ["running out of work", false, "undefined"],
  ])("by %s nothing logged is lost, and all of it is in order", async (_, pretty, end) => {
    const child = start(`log(0, 2000); setImmediate(() => { log(2000, 2500); ${end}; });`, { pretty });
    expect(await linesOf(child)).toEqual(upTo(2500));
  });

  test("a reader slower than the process gets everything", async () => {
    // 3 MB, more than any pipe holds: the process has exited from its own point of view before the first byte is read.
    const child = start("log(0, 15_000); process.stderr.write('all logged'); process.exit(0);");
    await new Promise((resolve) => child.stderr.once("data", resolve));
    expect(await linesOf(child)).toEqual(upTo(15_000));
  });
});

describe("while it runs", () => {
  test("a reader that does not read stops neither the process nor the log", async () => {
    const child = start(
      "log(0, 15_000); setTimeout(() => { log(15_000, 15_010); process.stderr.write('alive'); }, 20);",
    );
    const alive = await new Promise((resolve) => child.stderr.once("data", (data) => resolve(String(data))));
    expect(alive).toBe("alive");
    expect(await linesOf(child)).toEqual(upTo(15_010));
  });

  test("more held than may be held waits for the reader, and nothing is lost", async () => {
    const child = start(`
      const writer = createLineWriter(process.stdout.fd, 10_000);
      for (let i = 0; i < 10_000; i++) writer.write("line-" + i + "-" + "x".repeat(100) + "\\n");
      process.stderr.write("done");`);
    let isDone = false;
    child.stderr.once("data", () => {
      isDone = true;
    });
    // What the pipe takes comes first; the rest of 1 MB waits for it to be read.
    await new Promise((resolve) => child.stdout.once("readable", resolve));
    expect(isDone).toBe(false);
    expect(await linesOf(child)).toEqual(upTo(10_000));
    expect(isDone).toBe(true);
  });

  test("a reader that goes away does not stop the process", async () => {
    const child = start(`
      log(0, 10);
      const timer = setInterval(() => log(10, 1000), 5);
      setTimeout(() => { clearInterval(timer); process.exitCode = 7; }, 100);`);
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(code).toBe(7);
  });

  test("the lines of one turn are written together", async () => {
    const preamble = `
      import fs from "node:fs";
      import { syncBuiltinESMExports } from "node:module";
      const { writeSync } = fs;
      let calls = 0;
      fs.writeSync = (...args) => { calls++; return writeSync(...args); };
      syncBuiltinESMExports();`;
    const script = "log(0, 100); setImmediate(() => setImmediate(() => { process.stderr.write(String(calls)); }));";
    const child = start(script, { preamble });
    const [calls, lines] = await Promise.all([text(child.stderr), linesOf(child)]);
    expect({ calls, lines: lines.length }).toEqual({ calls: "1", lines: 100 });
  });
});
