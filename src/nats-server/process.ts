import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { followServerLog, type ServerLogLevel } from "./log.ts";
import type { serverFiles } from "./owner.ts";

/** How a server process ended: by itself (code), by a signal, or it never ran (error). */
export interface ServerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  error?: Error;
}

export type ServerProcess = ReturnType<typeof spawnServer>;

/** Writes its pid before it becomes the server, so that no server of ours is ever without one. */
const launcher = `echo $$ > "$0" && exec "$@"`;

/**
 * Spawns a nats-server in a process group of its own, so that a terminal's Ctrl-C reaches the daemon only.
 *
 * @param files - where it reads its configuration and writes its pid and log.
 * @param log - gets each line, up to 100 ms late.
 */
export function spawnServer(
  binary: string,
  { configFile, pidFile, logFile }: ReturnType<typeof serverFiles>,
  log: (line: string, level: ServerLogLevel) => void,
) {
  const last: string[] = [];
  const endLog = followServerLog(logFile, (line, level) => {
    last.push(line);
    if (last.length > 10) last.shift();
    log(line, level);
  });

  const command = [binary, "-c", configFile];
  const onWindows = process.platform === "win32";
  const [file = binary, ...args] = onWindows
    ? [...command, "-P", pidFile]
    : ["/bin/sh", "-c", launcher, pidFile, ...command];
  const output = openSync(logFile, "a");
  const child = spawn(file, args, { stdio: ["ignore", "ignore", output], detached: true, windowsHide: true });
  closeSync(output);

  let ended = false;
  const exited = new Promise<ServerExit>((resolve) => {
    const settle = (exit: ServerExit) => {
      if (!ended) endLog();
      ended = true;
      resolve(exit);
    };
    child.on("error", (error) => {
      if (child.pid === undefined) settle({ code: null, signal: null, error });
    });
    child.once("close", (code, signal) => settle({ code, signal }));
  });

  return {
    /** 0 when it could not be spawned. */
    pid: child.pid ?? 0,
    /** False once it has ended and its last line was logged. */
    running: () => !ended,
    /** Resolves when it has ended, never rejects. */
    exited,
    /** Its last lines, for an error message. */
    lastLines: () => last.join("\n"),
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
  };
}
