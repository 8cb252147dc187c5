import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

/** The server's own levels, by pino's names. */
export type ServerLogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

const levels: Record<string, ServerLogLevel> = {
  TRC: "trace",
  DBG: "debug",
  INF: "info",
  WRN: "warn",
  ERR: "error",
  FTL: "fatal",
};

const lookEveryMs = 100;
const maxFileBytes = 4 * 1024 * 1024;

/**
 * Passes on what a server appends to its log file, line by line, without time and pid.
 *
 * A file and not a pipe: a Go program that writes to a broken stderr dies of SIGPIPE, so a server whose daemon was
 * killed would die at its next line, in the middle of a clean shutdown. The file is emptied after 4 MiB.
 *
 * @returns a function that passes on the rest and ends this.
 */
export function followServerLog(path: string, log: (line: string, level: ServerLogLevel) => void): () => void {
  const file = openSync(path, "a+", 0o600);
  const decoder = new StringDecoder("utf8");
  const buffer = Buffer.alloc(64 * 1024);
  let position = fstatSync(file).size;
  let begun = "";

  function passOnNewLines() {
    for (;;) {
      const bytes = readSync(file, buffer, 0, buffer.length, position);
      if (bytes === 0) break;
      position += bytes;
      const lines = (begun + decoder.write(buffer.subarray(0, bytes))).split("\n");
      begun = lines.pop() ?? "";
      for (const line of lines) passOn(line, log);
    }
    if (position > maxFileBytes) {
      ftruncateSync(file);
      position = 0;
    }
  }

  const timer = setInterval(passOnNewLines, lookEveryMs).unref();
  return () => {
    clearInterval(timer);
    passOnNewLines();
    if (begun) passOn(begun, log);
    closeSync(file);
  };
}

function passOn(line: string, log: (line: string, level: ServerLogLevel) => void) {
  const [, tag = "", text = line] = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] (.*)$/.exec(line) ?? [];
  // A line without a tag is a refused configuration or a crash.
  log(text, levels[tag] ?? "error");
}
