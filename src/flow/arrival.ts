import type { Delivery, Observation } from "./delivery.ts";
import type { HotActor } from "./hot-actors.ts";

/** A message about an actor that can hear it. */
export interface Arrival {
  readonly delivery: Delivery;
  readonly observation: Observation;
  readonly actor: HotActor;
  /** The actor is quarantined, and comes out of it when all goes well with this. */
  readonly isHeld: boolean;
}
