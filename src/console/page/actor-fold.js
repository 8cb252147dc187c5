/** @import { ActorSteps } from "../../answers/queries.ts" */
/** @import { Scene } from "./types.d.ts" */
import { fill, h, table } from "./dom.js";
import { words } from "./format.js";

/** Where an actor by event time stands today and why: its events as they happened, and the delays between them. */
export function createFold() {
  const element = h("section.card", { "aria-label": "Today's fold", hidden: true });
  /** @type {ActorSteps["fold"]} */
  let drawn;
  return {
    element,
    /** @param {Scene} scene */
    show({ story: { fold } }) {
      if (fold === drawn) return;
      drawn = fold;
      element.hidden = fold === undefined || fold.length === 0;
      if (fold !== undefined) fill(element, draw(fold));
    },
  };
}

/** @param {NonNullable<ActorSteps["fold"]>} fold */
function draw(fold) {
  const rows = fold.map(({ what, eventId, at, isHandled, state }) =>
    h(
      "tr",
      { class: !isHandled && "muted" },
      h("td", at),
      h("td", eventId === null ? what : words(what)),
      h("td", isHandled ? state : `${state}, nothing took it`),
    ),
  );
  return [
    h("h2", "Today's fold"),
    h("p.note", "In the order in which it happened, with the delays that acted; late events included."),
    table("", ["event time", "what", "state after it"], h("tbody", rows)),
  ];
}
