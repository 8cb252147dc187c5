import { typeOf, WRONG_MACHINES } from "../testing/wrong-machines.ts";

/* What a start takes, and is warned of. */

export default [typeOf(WRONG_MACHINES["an event leads to a state"] as never)];
