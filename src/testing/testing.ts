/*
 * `natstate/testing`: for the tests of an actor type, in vitest, node:test or whatever else, without NATS.
 */
export { ContractError } from "./contract-events.ts";
export { type ConvergesOptions, converges } from "./converges.ts";
export { type Expected, given, type Specification } from "./given.ts";
export { replay } from "./replay.ts";
export type { Said, Time, Written } from "./written.ts";
