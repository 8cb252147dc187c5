import { type ActorScope, type AnyMachineSnapshot, createActor, createMachine, type EventObject } from "xstate";

/** What XState hands to a step. */
export type Scope = ActorScope<AnyMachineSnapshot, EventObject>;

/** An action as a step yields it. */
export type Yielded = Parameters<Scope["actionExecutor"]>[0];

/** A child without an id of its own is called by a number that goes on with each. */
const NAMELESS = /^x:\d+$/;

/** @throws when a step has started actors; in the same words each time that it is tried. */
export function refuseChildren({ children }: AnyMachineSnapshot): void {
  const [child] = Object.keys(children);
  if (child === undefined) return;
  throw new Error(`it starts ${NAMELESS.test(child) ? "an actor" : child}: an actor calls nobody`);
}

/**
 * A scope in which nothing is sent, started or looked at. XState's `transition()` makes a new actor for every step, three
 * times dearer than the step; here all of a machine's steps share one.
 */
export function createInertScope(): Scope {
  const self = createActor(createMachine({}));
  const refuse = () => {
    throw new Error("it uses self: an actor sends nothing and looks at nothing but its context and the event");
  };
  return {
    self: Object.assign(self, { send: refuse, getSnapshot: refuse }) as unknown as Scope["self"],
    id: "",
    sessionId: "",
    logger() {},
    defer() {},
    emit() {},
    system: self.system,
    stopChild() {},
    actionExecutor() {},
  };
}
