import type { ActorType } from "../actor/actor-type.ts";
import type { ActorAnswer, ActorHistory } from "./queries.ts";

/** What a file says that holds an actor's history: `natstate history <id> --export`, `replay` of `natstate/testing`. */
export const HISTORY_FORMAT = "natstate-history/1";

/** An actor's history as a file keeps it, JSON: what it heard, what it decided, and what it came to. */
export interface ExportedHistory
  extends Pick<ActorAnswer, "state">,
    Pick<ActorHistory, "total" | "events" | "decisions" | "quarantine"> {
  readonly format: typeof HISTORY_FORMAT;
  /** The actor type's name. */
  readonly type: string;
  readonly id: string;
}

/** @param answer - to `get`. @param history - to `history`, asked for right after. */
export function exportHistory(
  { name }: Pick<ActorType, "name">,
  id: string,
  answer: Pick<ActorAnswer, "state">,
  { total, events, decisions, quarantine }: ActorHistory,
): ExportedHistory {
  const { state } = answer;
  const held = quarantine && { quarantine };
  return { format: HISTORY_FORMAT, type: name, id, state, total, events, decisions, ...held };
}

/** @throws Error with what is wrong when a file's text is no exported history. */
export function readExportedHistory(text: string): ExportedHistory {
  const read = JSON.parse(text) as Partial<ExportedHistory> | null;
  if (read?.format !== HISTORY_FORMAT) {
    throw new Error(`format: expected ${HISTORY_FORMAT}, found ${JSON.stringify(read?.format)}`);
  }
  for (const name of ["type", "id", "state"] as const) {
    if (typeof read[name] !== "string") throw new Error(`${name}: expected text, found ${JSON.stringify(read[name])}`);
  }
  for (const name of ["events", "decisions"] as const) {
    if (!Array.isArray(read[name])) throw new Error(`${name}: expected an array`);
  }
  return read as ExportedHistory;
}
