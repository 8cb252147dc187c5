import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from "xstate";
import { boundSteps } from "../../actor/bounded-actor.ts";
import { seal } from "../../actor/seal.ts";
import { createDirectMoves, type Reached } from "./direct-move.ts";
import { createInertScope, refuseChildren, type Yielded } from "./inert-scope.ts";
import { settle } from "./settle.ts";
import { createSharedStates } from "./shared-states.ts";
import { cancelTimer, setTimer, type Timers } from "./timers.ts";

/** Where a fold stands: all that decides what follows. Immutable, so that it can be kept and gone back to. */
export interface Moment {
  readonly snapshot: AnyMachineSnapshot;
  readonly timers: Timers;
}

/** A machine as pure steps. What its own code throws, and what it may not do, is thrown. */
export interface Statechart {
  readonly machine: AnyStateMachine;
  /**
   * Enters the initial states.
   *
   * @param id - the actor's, its `input.id`.
   * @param at - event time at which its first delays begin.
   */
  begin(id: string, at: string): Moment;
  /** One event: a fact, or a delay that fires. `at` is its event time. */
  step(moment: Moment, event: EventObject, at: string): Moment;
}

/**
 * Makes the steps of a machine, bounded as `boundSteps` does. Actions that are not XState's own are not executed.
 */
export function createStatechart(machine: AnyStateMachine): Statechart {
  boundSteps(machine);
  // Entry actions of the first step are given the very object that all actors begin with.
  seal("context", machine.config.context);
  const scope = createInertScope();
  const direct = createDirectMoves(scope);
  const statesOf = createSharedStates();
  const run = (before: Moment | undefined, at: string, act: () => AnyMachineSnapshot): Moment => {
    const yielded: Yielded[] = [];
    scope.actionExecutor = (action) => yielded.push(action);
    const snapshot = act();
    if (snapshot.status === "error") throw snapshot.error;
    const timers = noteDelays(before?.timers ?? [], yielded, at);
    refuseChildren(snapshot);
    if (snapshot === before?.snapshot) return timers === before.timers ? before : { snapshot, timers };
    return settleMoment(before, { ...snapshot, ...statesOf(snapshot) }, timers);
  };
  return {
    machine,
    begin(id, at) {
      const reached = direct.begin(machine, { type: "xstate.init", input: { id } } as EventObject);
      if (reached !== undefined) return arrive(reached);
      return run(undefined, at, () => machine.getInitialSnapshot(scope, { id }));
    },
    step(moment, event, at) {
      const { snapshot } = moment;
      const reached = direct.step(snapshot, event);
      if (reached !== undefined) return arrive(reached, moment);
      return run(moment, at, () => machine.transition(snapshot, event, scope));
    },
  };
}

/** What a step comes to that was made without XState: no delay begins or ends in it. */
function arrive({ as, context }: Reached, before?: Moment): Moment {
  if (before !== undefined && as === before.snapshot && context === as.context) return before;
  const settled = settle("context", context, before?.snapshot.context);
  return { snapshot: { ...as, context: settled } as AnyMachineSnapshot, timers: before?.timers ?? [] };
}

/**
 * Whether an event took a transition: one of its own, even one that leaves everything as it is, or an eventless one whose
 * guard looks at the event.
 *
 * @param before - what heard it.
 * @param after - what came of it.
 */
export function isHandled(before: Moment, after: Moment, event: EventObject): boolean {
  // XState gives the same snapshot when nothing was entered, left or assigned.
  if (before.snapshot !== after.snapshot) return true;
  return (
    before.snapshot.status === "active" && before.snapshot.machine.getTransitionData(before.snapshot, event).length > 0
  );
}

/** A step's delays that begin and end, in the order in which a live actor would do both. */
function noteDelays(before: Timers, yielded: readonly Yielded[], at: string): Timers {
  let timers = before;
  for (const { type, params } of yielded) {
    switch (type) {
      case "xstate.raise": {
        const { event, id, delay } = params as { event: EventObject; id?: unknown; delay?: unknown };
        // Without a delay it has been heard within the step; an `after`, which has its event's name for an id, has one.
        if (delay === undefined && !(id === event.type && event.type.startsWith("xstate.after."))) break;
        timers = setTimer(timers, at, delay, { id: id === undefined ? null : String(id), event });
        break;
      }
      case "xstate.cancel":
        timers = cancelTimer(timers, String((params as { sendId: unknown }).sendId));
        break;
      case "xstate.spawnChild":
        throw new Error("it starts an actor: an actor calls nobody");
      case "xstate.sendTo":
        throw new Error("it sends to an actor: an actor calls nobody");
      case "xstate.stopChild":
        // Leaving a state stops what it never started: no actor is named then.
        if (params !== undefined) throw new Error("it stops an actor: an actor calls nobody");
        break;
    }
  }
  return timers;
}

/** @param snapshot - another one than before, which nobody else has. */
function settleMoment(before: Moment | undefined, snapshot: AnyMachineSnapshot, timers: Timers): Moment {
  const context = settle("context", snapshot.context, before?.snapshot.context);
  if (snapshot.status !== "done") return { snapshot: { ...snapshot, context }, timers };
  const output = snapshot.output === undefined ? undefined : settle("output", snapshot.output);
  // Who is done waits for nothing.
  return { snapshot: { ...snapshot, context, output }, timers: [] };
}
