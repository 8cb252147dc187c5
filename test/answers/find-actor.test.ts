import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { ABSENCES, type Finding, findActor, type Standing, type Whereabouts } from "../../src/answers/find-actor.ts";
import type { RetiredAnswer } from "../../src/answers/queries.ts";
import { atOnce, inOne } from "../../src/flow/pieces.ts";

const type = orderType as ActorType;
const answer = { orderId: "a" };
const left: RetiredAnswer = {
  status: "kept",
  retiredAt: "2026-03-01T00:00:00.000Z",
  lastUpdated: "2026-02-01T00:00:00.000Z",
  version: 5,
  revision: 2,
  parked: 0,
};

function find(where: Whereabouts, found?: object, retired?: RetiredAnswer): Finding {
  const places = { whereabouts: () => where, retired: () => retired, pastOf: () => undefined };
  return atOnce(
    findActor(
      places,
      { type, actorId: "a", quoted: "'a'" },
      inOne(() => found),
    ),
  );
}

it.each<[what: Finding["kind"], where: Whereabouts, found?: object, retired?: RetiredAnswer]>([
  ["found", "here", answer],
  ["found", "catching_up", answer],
  ["retired", "here", undefined, left],
  ["retired", "catching_up", undefined, left],
  ["not_yet", "catching_up"],
  ["unknown", "here"],
  ["elsewhere", "elsewhere", answer],
  ["elsewhere", "elsewhere", undefined, left],
])("%s: its partition is %s, the store has %o, left is %o", (kind, where, found, retired) => {
  expect(find(where, found, retired).kind).toBe(kind);
});

it("another daemon's actor is not even looked for", () => {
  const finding = atOnce(
    findActor(
      { whereabouts: () => "elsewhere", retired: () => left, pastOf: () => undefined },
      { type, actorId: "a", quoted: "a" },
      inOne(() => {
        throw new Error("asked");
      }),
    ),
  );
  expect(finding).toEqual({ kind: "elsewhere" });
});

it("what is behind is said with the answer, as it was before the answer was read", () => {
  let behind = true;
  const pastOf: Standing["pastOf"] = () => (behind ? { catchingUp: true, asOf: null } : undefined);
  const finding = atOnce(
    findActor(
      { whereabouts: () => "here", retired: () => undefined, pastOf },
      { type, actorId: "a", quoted: "a" },
      inOne(() => {
        behind = false;
        return answer;
      }),
    ),
  );
  expect(finding).toEqual({ kind: "found", answer: { ...answer, catchingUp: true, asOf: null } });
});

it("only that there is none is a 404", () => {
  const statuses = Object.entries(ABSENCES).map(([kind, { status }]) => `${kind} ${status}`);
  expect(statuses).toEqual(["not_yet 503", "retired 410", "unknown 404"]);
});
