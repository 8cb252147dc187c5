import type { ActorType } from "../src/actor/actor-type.ts";
import { orderType } from "./order/order.ts";

/** Every actor type this build runs. Add yours here. */
export const actorTypes: readonly ActorType[] = [orderType];
