import { expect, it } from "vitest";
import type { LedgerRow } from "../../src/flow/rows.ts";
import { createDueDecisions, type DuePlace } from "../../src/jetstream/due-decisions.ts";
import { orderLane } from "../flow/delivery.ts";

it("everything that is due is offered once, and never more at a time than there is room for", () => {
  const rows = Array.from({ length: 12_345 }, (_, index) => ({
    actorKey: 1 + Math.floor(index / 2),
    revision: 1 + (index % 2),
  }));
  const pendingDecisions = (_: unknown, { actorKey, revision }: DuePlace, limit: number) =>
    rows
      .filter((row) => row.actorKey > actorKey || (row.actorKey === actorKey && row.revision > revision))
      .slice(0, limit) as LedgerRow[];
  const offered: LedgerRow[] = [];
  let published = 0;
  let most = 0;
  const backlog = () => offered.length - published;
  const due = createDueDecisions(
    { pendingDecisions },
    (decisions) => {
      offered.push(...decisions);
      most = Math.max(most, backlog());
    },
    backlog,
  );
  due.begin(orderLane);
  while (published < offered.length) {
    published++;
    due.goOn();
  }
  expect(offered).toEqual(rows);
  expect(most).toBeLessThanOrEqual(2500);
});
