import { createMembership, type Member } from "../jetstream/membership.ts";
import { QUERY_SERVICE } from "../wire/names.ts";
import type { Parts } from "./parts.ts";

/**
 * Shares the lanes with the other daemons, now and whenever one comes or goes; this ends with the stack.
 *
 * @returns ends it before. Safe to call twice.
 */
export async function shareLanes(
  parts: Pick<Parts, "connection" | "streams" | "reading" | "observers" | "trouble" | "logger">,
  us: Member,
  stack: AsyncDisposableStack,
): Promise<() => void> {
  const { connection, streams, reading, observers, trouble, logger } = parts;
  const { ownership } = reading;
  const { nc } = connection.session;
  const membership = createMembership({
    ...{ nc, service: QUERY_SERVICE, own: us, cluster: streams.cluster },
    onChange(members) {
      logger.info({ members: members.length }, "members changed");
      trouble.renew();
      void ownership.rebalance(members, us.id);
    },
  });
  stack.defer(membership.stop);
  // Another one took a pin: who is it?
  observers.add({ doubted: (reason) => void (reason === "unpinned" && membership.refresh()) });
  await membership.refresh();
  await ownership.rebalance(membership.members(), us.id);
  return membership.stop;
}
