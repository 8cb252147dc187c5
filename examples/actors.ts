import { orderType } from "../machines/order/order.ts";
import checkout from "./checkout/actors.ts";
import device from "./device-shadow/actors.ts";
import claim from "./insurance-claim/actors.ts";

/** All examples beside the bundled order, in one daemon. */
export default [orderType, ...checkout, ...device, ...claim];
