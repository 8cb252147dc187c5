import { AssertionError } from "node:assert";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type { ActorType } from "../actor/actor-type.ts";
import { decodeContent } from "../actor/decision.ts";
import { type ExportedHistory, readExportedHistory } from "../answers/history-export.ts";
import { hostActor } from "./hosted-actor.ts";
import { tellStory } from "./story.ts";

/** Lines of a story that are told; the last ones. */
const MAX_LINES = 50;

/**
 * Leads an actor's history, as `natstate history <id> --export` wrote it, through today's machine and rules.
 *
 * @param file - its path.
 * @throws AssertionError where the actor's state or any of its decisions is not what the history says; Error with the file's
 *   name when that is none, or of another type, or too long to have been written whole.
 */
export function replay(actor: ActorType, file: string | URL): void {
  const history = readHistory(actor, file);
  const hosted = hostActor(actor, history.id);
  for (const { eventType, eventId, timestamp, receivedAt, sequence, correlationId, data } of history.events) {
    const event = { type: eventType, eventId, timestamp, sequence, correlationId, body: JSON.stringify(data) };
    hosted.hearAgain({ ...event, storedAtMs: Date.parse(receivedAt) });
  }
  const then = history.decisions.map(({ published: _published, sequence: _sequence, ...decision }) =>
    decodeContent(actor, JSON.stringify(decision)),
  );
  const now = hosted.decisions();
  const { state, quarantine } = hosted.standing();
  const differences = [
    ...differ("state", history.state, state),
    ...differ("quarantine", history.quarantine?.error ?? null, quarantine),
    ...Array.from({ length: Math.max(then.length, now.length) }, (_, index) =>
      differ(`revision ${index + 1}`, then[index], now[index]),
    ).flat(),
  ];
  if (differences.length === 0) return;
  const story = tellStory(hosted.steps()).slice(-MAX_LINES);
  const told = ["what happened:", ...story.map((line) => `  ${line}`)];
  throw new AssertionError({
    message: [`${String(file)}: ${history.id} comes to something else now`, ...differences, ...told].join("\n"),
    actual: { state, decisions: now },
    expected: { state: history.state, decisions: then },
    operator: "deepStrictEqual",
  });
}

function readHistory({ name }: ActorType, file: string | URL): ExportedHistory {
  try {
    const history = readExportedHistory(readFileSync(file, "utf8"));
    const { type, total, events } = history;
    if (type !== name) throw new Error(`type: expected ${name}, found ${type}`);
    if (events.length < total) throw new Error(`events: only the latest ${events.length} of ${total}`);
    return history;
  } catch (error) {
    throw new Error(`${String(file)}: ${(error as Error).message}`, { cause: error });
  }
}

function differ(name: string, then: unknown, now: unknown): string[] {
  if (isDeepStrictEqual(then, now)) return [];
  return [`  ${name}: ${JSON.stringify(then) ?? "none"} then, ${JSON.stringify(now) ?? "none"} now`];
}
