import type { Logger } from "pino";
import { createMembership, type Member } from "../jetstream/membership.ts";
import type { Ownership } from "../jetstream/ownership.ts";
import { QUERY_SERVICE } from "../wire/names.ts";
import type { Connection } from "./connection.ts";
import type { LaneTrouble } from "./lane-trouble.ts";
import type { Observers } from "./observers.ts";
import type { Streams } from "./streams.ts";

export interface SharingOptions {
  readonly connection: Connection;
  readonly streams: Streams;
  readonly ownership: Ownership;
  readonly observers: Observers;
  readonly trouble: LaneTrouble;
  readonly logger: Logger;
  /** Which of the daemons we are. */
  readonly us: Member;
}

/**
 * Shares the lanes with the other daemons, now and whenever one comes or goes; this ends with the stack.
 *
 * @returns ends it before. Safe to call twice.
 */
export async function shareLanes(options: SharingOptions, stack: AsyncDisposableStack): Promise<() => void> {
  const { connection, streams, ownership, observers, trouble, logger, us } = options;
  const { nc } = connection.session;
  const membership = createMembership(nc, QUERY_SERVICE, us, streams.cluster, (members) => {
    logger.info({ members: members.length }, "members changed");
    trouble.renew();
    void ownership.rebalance(members, us.id);
  });
  stack.defer(membership.stop);
  // Another one took a pin: who is it?
  observers.add({ doubted: (reason) => void (reason === "unpinned" && membership.refresh()) });
  await membership.refresh();
  await ownership.rebalance(membership.members(), us.id);
  return membership.stop;
}
