import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { Stats } from "../../src/answers/queries.ts";
import { renderLine, renderScreen, type Snapshot } from "../../src/cli/top-text.ts";

const type = orderType as ActorType;

const stats = {
  orders: { total: 2, byState: { pending: 2 } },
  ...{ quarantined: 0, retired: 0, events: { applied: 2 }, standing: { byType: {} } },
  ...{ completeness: { byPercent: {} }, decisions: { byType: {}, revised: 0 }, deadLetters: { byReason: {} } },
} as unknown as Stats;

const snapshotOf = (more: object): Snapshot => ({
  ...{ at: "2026-01-01T00:00:00Z", lag: 0, decisions: [], stats: { ...stats, ...more } },
  perSecond: { events: 0, decisions: 0, deadLetters: 0 },
});

it("figures that lack what nobody has read yet say so, though nothing else is behind", () => {
  const past = snapshotOf({ catchingUp: true, asOf: null, catchingUpPartitions: [0, 3] });
  const place = { where: "here", rows: 40 };
  expect(renderLine([type], past)).toMatch(/ {2}of the past, .*partitions 0,3 are /);
  expect(renderScreen([type], past, place).join("\n")).toMatch(/partitions 0,3 are /);
  const now = snapshotOf({});
  expect([renderLine([type], now), ...renderScreen([type], now, place)].join("\n")).not.toContain("partitions");
});
