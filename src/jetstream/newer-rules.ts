import type { ImportedDecision, Outbox } from "../flow/outbox.ts";
import type { Lane } from "../wire/lanes.ts";
import { NatsSetupError } from "./connect.ts";

/*
 * A lower version of an actor type never revises what a higher one has decided: of a lane that a higher one has decided
 * anything in it reads nothing and says nothing, also when nobody of the higher one is there any more. Versions rise: to
 * go back to the rules of before, they are given a version above.
 */

/** Has a newer version of the lane's type decided anything in it, as far as is known? */
export function isDecidedByNewer(outbox: Outbox, lane: Lane): boolean {
  return outbox.decidedBy(lane) > lane.type.version;
}

/** Takes note of the versions that have taken these decisions, found in DECISIONS. */
export function noteVersions(
  outbox: Outbox,
  lane: Lane,
  decisions: readonly Pick<ImportedDecision, "typeVersion">[],
): void {
  const highest = decisions.reduce((known, { typeVersion }) => Math.max(known, typeVersion), 0);
  if (highest > outbox.decidedBy(lane)) outbox.noteDecidedBy(lane, highest);
}

/** @throws NatsSetupError when a newer version of the lane's type has decided in it. */
export function refuseOlder(outbox: Outbox, lane: Lane): void {
  const { name, version } = lane.type;
  const decidedBy = outbox.decidedBy(lane);
  if (decidedBy <= version) return;
  const what = `version ${decidedBy} of ${name} has decided there, and this daemon has version ${version}`;
  const todo = `start one with version ${decidedBy} or newer; to go back to the rules of before, give them a version above ${decidedBy}`;
  throw new NatsSetupError(`${what}: what comes waits in the stream; ${todo}`);
}
