import type { Outbox } from "../flow/outbox.ts";
import type { LedgerRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";

/** Where a walk over what is due of a lane is: after this revision. */
export type DuePlace = Pick<LedgerRow, "actorKey" | "revision">;

/** Of 16 lanes together fewer than what makes events wait. */
const PAGE = 500;
const LOW_BACKLOG = 2000;
const BEGINNING: DuePlace = { actorKey: 0, revision: 0 };

/**
 * Offers what is due to the publisher, a page of each lane at a time: all of a large store may be due again.
 *
 * @param backlog - rows that wait to be published.
 */
export function createDueDecisions(
  { pendingDecisions }: Pick<Outbox, "pendingDecisions">,
  offer: (decisions: readonly LedgerRow[]) => void,
  backlog: () => number,
) {
  /** Lanes of which more may be due. */
  const places = new Map<Lane, DuePlace>();

  function offerPage(lane: Lane, after: DuePlace): void {
    const rows = pendingDecisions(lane, after, PAGE);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) places.delete(lane);
    else places.set(lane, last);
    offer(rows);
  }

  return {
    /** Offers a lane's from the first on. */
    begin: (lane: Lane) => offerPage(lane, BEGINNING),
    /** Offers more, when there is more and room for it. */
    goOn(): void {
      for (const [lane, place] of [...places]) {
        if (backlog() >= LOW_BACKLOG) return;
        offerPage(lane, place);
      }
    },
    /** The lane went to another owner. */
    drop: (lane: Lane) => void places.delete(lane),
  };
}
