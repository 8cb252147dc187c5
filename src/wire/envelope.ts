import { z } from "zod";
import { instant } from "../actor/decision.ts";
import { ACTOR_ID, ACTOR_ID_EXPECTED } from "./names.ts";

/*
 * What every event carries beside its own fields, whatever the actor type (docs/wire.md).
 * `flow/decode.ts` is what accepts an event; this says the same to others.
 */

/** Of an event id or a correlation id, in characters. */
export const MAX_LABEL_LENGTH = 256;

const label = z.string().min(1).max(MAX_LABEL_LENGTH);

/** An actor's id: one token of a NATS subject. */
export const actorId = z.string().regex(ACTOR_ID, `expected ${ACTOR_ID_EXPECTED}`);

/** Of an event, beside the actor's id and `eventType`. */
export const eventEnvelope = z.object({
  timestamp: instant("Event time, RFC 3339 with a zone: it decides which of two facts is newer, not arrival."),
  eventId: label
    .optional()
    .describe(
      "Identity within actor and event type: the same id twice has one effect. Else Nats-Msg-Id, else a CloudEvent's <source>#<id>, else a digest of the body.",
    ),
  correlationId: label.optional().describe("Carried to the decisions this event causes."),
});
