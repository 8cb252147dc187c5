import type { QueryService } from "../jetstream/query-service.ts";
import { answerAlike } from "../members/alike-wire.ts";
import { COPY_QUESTION } from "../members/copy-wire.ts";
import type { Denials } from "../members/denials.ts";
import { disagreements } from "../members/disagreements.ts";
import { highestVersions } from "../members/member.ts";
import { createMembership, type Membership } from "../members/membership.ts";
import { bePresent } from "../members/presence.ts";
import { answerYields } from "../members/yielding.ts";
import { alikeOf, givingOf } from "./keeping-alike.ts";
import type { OwnRecord } from "./own-record.ts";
import type { Parts } from "./parts.ts";

/** In which the others find NATS again. */
const SETTLING_MS = 5000;

/**
 * Shares the lanes with the other daemons, now and whenever one comes or goes; this ends with the stack.
 *
 * @returns who is there; `stop` ends the sharing before, and is safe to call twice.
 */
export async function shareLanes(
  parts: Pick<
    Parts,
    | "types"
    | "store"
    | "own"
    | "connection"
    | "streams"
    | "copying"
    | "reading"
    | "readiness"
    | "observers"
    | "trouble"
    | "logger"
  > & { readonly denials: Denials },
  record: OwnRecord,
  service: QueryService,
  stack: AsyncDisposableStack,
): Promise<Membership> {
  const { types, connection, streams, copying, reading, readiness, observers, trouble, denials, logger } = parts;
  const { ownership } = reading;
  const { describe } = record;
  let present = describe().id;
  let returnedAtMs = Number.NEGATIVE_INFINITY;
  connection.onReturn(() => {
    returnedAtMs = performance.now();
  });
  const membership = createMembership({
    nc: connection.session.nc,
    ...{ describe, denials },
    isSettled: () => performance.now() - returnedAtMs > SETTLING_MS,
    onChange(members) {
      const ids = members.map(({ id }) => id).join();
      if (ids !== present) {
        logger.info({ members: members.length }, "members changed");
        trouble.renew();
      }
      present = ids;
      readiness.disagree(disagreements(describe(), members));
      service.know(highestVersions(members));
      void ownership.rebalance(members, describe());
    },
  });
  stack.defer(membership.stop);
  const { nc } = connection.session;
  const presence = await bePresent({ nc, types, describe, onHeard: membership.heard, denials });
  stack.defer(presence.end);
  presence.answer(COPY_QUESTION, copying.give);
  answerYields(presence, streams.lanes.all, givingOf(parts));
  answerAlike(presence, streams.lanes.all, alikeOf(parts), (error) =>
    logger.warn({ err: error }, "what a copy asks could not be answered"),
  );
  // Another one took a pin: who is it?
  observers.add({
    doubted: (reason) => void (reason === "unpinned" && membership.refresh()),
    taken: membership.announce,
  });
  await membership.refresh();
  await ownership.rebalance(membership.members(), describe());
  return membership;
}
