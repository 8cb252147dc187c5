import { type Actor, type ActorOptions, type AnyStateMachine, createActor } from "xstate";

/** Steps of a machine after one event: more are taken for states that chase each other. */
const MAX_STEPS = 100;

/**
 * Bounds a machine that may have been written without care: it takes {@link MAX_STEPS} an event at most, or as many as its
 * own `options.maxIterations` says. XState's default is no bound at all, and states that chase each other would take the
 * process down.
 */
export function boundSteps(machine: AnyStateMachine): void {
  if (!Number.isFinite(machine.options.maxIterations)) machine.options.maxIterations = MAX_STEPS;
}

/** Of an actor that moves when nothing is heard, nobody would know why it is where it is. */
const NO_CLOCK: ActorOptions<AnyStateMachine>["clock"] = {
  setTimeout() {
    throw new Error("it sets a delay: an actor knows no clock but its events' times");
  },
  clearTimeout() {},
};

/** XState's `createActor`, bounded as {@link boundSteps} does, and without a clock. */
export function createBoundedActor(
  machine: AnyStateMachine,
  options: ActorOptions<AnyStateMachine> = {},
): Actor<AnyStateMachine> {
  boundSteps(machine);
  return createActor(machine, { clock: NO_CLOCK, ...options });
}
