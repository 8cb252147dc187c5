import { it } from "node:test";
import { converges, given } from "natstate/testing";
import { booking } from "./actors.ts";

const held = { eventType: "SeatHeld", timestamp: "10:00", seat: "B7" } as const;
const paid = { eventType: "SeatPaid", timestamp: "10:04", amount: 30 } as const;

it("a seat that is paid in time is sold", () => {
  given(booking, [held, paid]).then({ state: "sold", decision: { decisionType: "SeatSold" } });
});

it("after ten minutes it is released, unless a payment made in time is heard late", () => {
  given(booking, [held])
    .at("10:10")
    .then({ state: "released", decision: { decisionType: "SeatReleased" } })
    .heard([paid], "12:00")
    .then({ state: "sold", decisions: [{ decisionType: "SeatReleased" }, { decisionType: "SeatSold" }] });
});

it("every order of arrival comes to the same", () => converges(booking, { runs: 50, seed: 1 }));
