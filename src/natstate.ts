/*
 * The door of `natstate`: what an author of actor types imports.
 */
export type { ActorEvent, ActorType, DecisionContent, Rehearsal, SampleEvent } from "./actor/actor-type.ts";
export { defineActor } from "./actor/define-actor.ts";
export type { DefinedActor, MachineEvents, Seen } from "./actor/definition.ts";
export { earliest, type Facet, newest } from "./actor/merge.ts";
