import { typeOf, WRONG_MACHINES } from "../testing/wrong-machines.ts";

/* Actor types with something wrong, each in another way. */

const wrong = typeOf(WRONG_MACHINES["an event leads to a state"] as never);
const conclude = () => {
  throw new Error("undecided");
};

export default [
  wrong,
  { ...wrong, name: "Odd", collection: "odds", events: {} },
  { ...wrong, name: "undecided", collection: "undecideds", conclude },
];
