import { expect, it } from "vitest";
import { createMachine } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createAnswers } from "../../src/answers/answers.ts";
import { openQueries } from "../../src/store/queries.ts";
import { openStation } from "../flow/station.ts";
import { thingEvent, thingLane, thingType } from "../flow/things.ts";

const DAY_MS = 86_400_000;

const machine = createMachine({
  initial: "draft",
  states: {
    draft: { after: { [60 * DAY_MS]: "late" }, on: { Counted: "open", Closed: "review" } },
    review: { after: { [50 * DAY_MS]: "late" }, initial: "first", states: { first: {} } },
    open: {
      type: "parallel",
      states: {
        money: { initial: "due", states: { due: { after: { [40 * DAY_MS]: "paid" } }, paid: {} } },
        goods: { initial: "due", states: { due: { after: { [45 * DAY_MS]: "sent" } }, sent: {} } },
      },
    },
    late: {},
  },
});
const type: ActorType = { ...thingType(), ordering: "event-time", machine };
const lane = thingLane(type);

it("when the next is due is told by the state it waits in, through an index of those that wait", () => {
  const asked = new Set<string>();
  using station = openStation();
  const told = [
    ["a", "Spoiled", "2026-02-10"],
    ["b", "Spoiled", "2026-02-01"],
    ["c", "Closed", "2026-02-20"],
    ["d", "Counted", "2026-02-05"],
  ] as const;
  station.processor.apply(
    told.map(([id, eventType, day], index) =>
      thingEvent(lane, index + 1, id, { eventType, timestamp: `${day}T00:00:00Z`, n: 1 }),
    ),
  );
  const queries = createAnswers(openQueries(station.file, { onStatement: (sql) => asked.add(sql) }));
  try {
    // Of what waits in two parallel states nobody kept in which it is due.
    const next = { draft: "2026-04-02T00:00:00.000Z", review: "2026-04-11T00:00:00.000Z" };
    expect(queries.nextDue(type)).toEqual(next);
    expect(queries.nextDue(type, [lane.partition])).toEqual(next);
    expect(queries.nextDue(type, [lane.partition + 1])).toEqual({});
  } finally {
    queries.close();
  }
  const looks = [...asked].filter((sql) => sql.includes("actors_due"));
  expect(looks.length).toBeGreaterThan(0);
  for (const sql of looks) {
    const steps = station.db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    expect(steps.filter(({ detail }) => /^SCAN|TEMP B-TREE/.test(detail))).toEqual([]);
  }
});
