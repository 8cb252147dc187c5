import { expect, it } from "vitest";
import { nameDelay } from "../../../src/flow/hosts/describe.ts";

it.each([
  ["xstate.after.1800000.order.open", "after 30 min at open"],
  ["xstate.after.90000.order.review.documents", "after 90 s at review.documents"],
  ["xstate.after.deadline.order.open", "after deadline at open"],
  ["xstate.after.0.5.order.open", "after 0.5 ms at open"],
  ["xstate.after.5.order", "after 5 ms at order"],
  ["Remind", "raise Remind"],
])("the delay %s is told as charts tell it", (type, told) => {
  expect(nameDelay(type)).toBe(told);
});
