#!/usr/bin/env node
// Plain JavaScript, because any Node may start it: the rest needs the pinned Node (type stripping, better-sqlite3).
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants, homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// Whatever is written, here and by what is started here, is for its owner only.
process.umask(0o077);

const FORWARDED = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"]);

// A clone runs its TypeScript; the package has what build.js made of it.
const source = new URL("./cli.ts", import.meta.url);
const cli = existsSync(source) ? source : new URL("../dist/src/cli.js", import.meta.url);

if (Number.parseInt(process.versions.node, 10) >= 24) {
  const compiled = findCompiled();
  if (compiled !== undefined) {
    module.enableCompileCache(compiled);
    // For threads and processes that are started from here: a thread that strips types by itself takes 15 MiB more.
    process.env.NODE_COMPILE_CACHE = compiled;
  }
  await import(cli.href);
} else runPinned(findPinned());

/** Compiled code is kept, in a directory of the user's own: a command takes 0.2 s where it took 0.5. */
function findCompiled() {
  const { NODE_COMPILE_CACHE, NATSTATE_CACHE, XDG_CACHE_HOME } = process.env;
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE;
  try {
    const own = join(resolve(NATSTATE_CACHE || XDG_CACHE_HOME || join(homedir(), ".cache")), "natstate");
    const compiled = join(own, "compiled");
    return [own, compiled].every(isOurs) ? compiled : undefined;
  } catch {
    // A user without a home, as in a container.
    return undefined;
  }
}

/** Code is run from there: whoever else could write it could have it run whatever they like. */
function isOurs(/** @type {string} */ directory) {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined || process.getuid === undefined) return true;
  return (found.uid === process.getuid() || found.uid === 0) && (found.mode & 0o022) === 0;
}

/** The Node that npm has put where natstate's dependencies are: beside them or further up. Ends with what to do if not. */
function findPinned() {
  const directories = createRequire(import.meta.url).resolve.paths("node") ?? [];
  const packaged = directories.map((directory) => join(directory, "node")).find((directory) => existsSync(directory));
  if (packaged === undefined) return giveUp('the package "node" is not installed', "npm install");
  const pinned = join(packaged, "bin", "node");
  // Of npm 12 on, install scripts run for whoever is approved; `;` because older ones do not know the first command.
  const repair = "npm approve-scripts node; npm rebuild node --ignore-scripts=false";
  return existsSync(pinned) ? pinned : giveUp(`npm did not run the install script of ${packaged}`, repair);
}

/** @returns {never} */
function giveUp(/** @type {string} */ reason, /** @type {string} */ command) {
  const needed = `natstate needs Node 24 or newer, and this is ${process.versions.node}`;
  process.stderr.write(`natstate: ${needed}. Its own cannot be used: ${reason}. Run in your project: ${command}\n`);
  process.exit(1);
}

/** Stands in for the pinned Node: same input and output, every signal passed on, ends as it ends. */
function runPinned(/** @type {string} */ pinned) {
  const compiled = findCompiled();
  const child = spawn(pinned, [fileURLToPath(cli), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, ...(compiled && { NODE_COMPILE_CACHE: compiled }) },
  });
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
