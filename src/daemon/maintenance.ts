import { startScrub } from "../care/scrub.ts";
import type { Member } from "../members/member.ts";
import { startKeepingAlike } from "./keeping-alike.ts";
import type { Parts } from "./parts.ts";
import { onceLoud, type RetainingParts, startAgeing, startRetaining } from "./retaining.ts";

type MaintenanceParts = RetainingParts & Pick<Parts, "streams" | "instance" | "trouble">;

/**
 * Keeps the store right and small for as long as the daemon runs, whenever there is nothing more urgent: scrubs, retires,
 * brings back, gives up what has aged out, keeps copies like their owners'.
 *
 * @returns ends all of it at once. Safe to call twice.
 */
export function startMaintenance(parts: MaintenanceParts, members: () => readonly Member[]): () => void {
  const trouble = onceLoud(parts.logger);
  const ends = [
    startScrubbing(parts),
    startAgeing(parts, trouble),
    startRetaining(parts, trouble),
    startKeepingAlike(parts, members),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function startScrubbing({ config, types, store, connection, streams, path, own, observers, logger }: MaintenanceParts) {
  if (config.NATSTATE_SCRUB_INTERVAL === null) return () => {};
  return startScrub({
    log: connection.session,
    storeFile: store.file,
    types,
    maxBytes: config.NATSTATE_MAX_EVENT_BYTES,
    intervalMs: config.NATSTATE_SCRUB_INTERVAL,
    laneOf(type, actorId) {
      const lane = streams.lanes.ofActor(type, actorId);
      return path.isFree() && connection.session.isConnected() && own.taken().includes(lane) ? lane : undefined;
    },
    onChecked: (type, actorId, differences) =>
      observers.observer.scrubbed(
        type,
        actorId,
        differences.map(({ what }) => what),
      ),
    onProved: (type, actorId, names) => observers.observer.proved(type, actorId, names),
    onTrouble: (error) => logger.debug({ err: error }, "not scrubbed"),
  });
}
