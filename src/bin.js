#!/usr/bin/env node
// Plain JavaScript, because any Node may start it: src/cli.ts needs the pinned Node (type stripping, better-sqlite3).
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("./cli.ts", import.meta.url));
const pinned = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
const FORWARDED = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"]);

if (Number.parseInt(process.versions.node, 10) >= 24) await import("./cli.ts");
else if (existsSync(pinned)) runPinned();
else {
  process.stderr.write(`natstate: ${pinned} is missing, and this is Node ${process.versions.node}. Run: npm ci\n`);
  process.exitCode = 1;
}

/** Stands in for the pinned Node: same input and output, every signal passed on, ends as it ends. */
function runPinned() {
  const child = spawn(pinned, [cli, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`natstate: ${pinned} does not start: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Whoever started us shall see the same signal; 128 + n is how shells write it, should the signal not end us.
    process.exitCode = 128 + constants.signals[signal];
    for (const forwarded of FORWARDED) process.removeAllListeners(forwarded);
    process.kill(process.pid, signal);
  });
}
