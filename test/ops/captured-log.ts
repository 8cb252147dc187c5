import { createLogger, type LogOptions } from "../../src/ops/log.ts";

/** One line, parsed. */
export type Line = Record<string, unknown>;

/** A logger that writes into memory. */
export function capture(level: LogOptions["level"] = "info", pretty = false) {
  const written: string[] = [];
  const logger = createLogger({ level, pretty, destination: { write: (line) => void written.push(line) } });
  return { logger, written, lines: () => written.map((line) => JSON.parse(line) as Line) };
}
