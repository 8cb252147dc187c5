import { invoice } from "../invoice.ts";

/** As it was before it had events with dots in its contract. */
export default [{ ...invoice, events: { PaymentReceived: invoice.events["payment.received"] }, version: 0 }];
