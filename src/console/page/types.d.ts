import type { Pulse as Told } from "../../answers/pulse.ts";
import type { ActorAnswer, ActorSteps } from "../../answers/queries.ts";
import type { MachineLayout } from "../../charts/layout.ts";
import type { Readiness } from "../sources.ts";

/*
 * What the page's modules hand each other; only the type checker reads this file.
 */

/** `/api/machine`. */
export interface Machine {
  readonly type: {
    readonly name: string;
    readonly collection: string;
    readonly idField: string;
    /** By path, outer before inner. */
    readonly states: readonly string[];
    readonly decisionTypes: readonly string[];
    readonly withdrawn: string;
    readonly eventTypes: readonly string[];
  };
  readonly types: ReadonlyArray<{ readonly name: string; readonly collection: string }>;
  readonly reasons: readonly string[];
  /** What a command copied from here needs to find this daemon; empty when it finds it by itself. */
  readonly where: string;
  readonly layout: MachineLayout;
}

/** One message of `/api/live`. */
export interface Pulse extends Told {
  readonly at: string;
  readonly health: Readiness;
}

/** What a view is given. */
export interface Place {
  readonly machine: Machine;
  /** The part of the address after the view's name, decoded. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** What was told last, if anything was. */
  readonly latest: Pulse | undefined;
}

/** One page of the console. */
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  /** Told what is new, about once a second. */
  onPulse?(pulse: Pulse): void;
  /** The view is left: timers end here. */
  close?(): void;
}

/** One actor at one step of its history, 0 being before its first event. */
export interface Scene {
  readonly story: ActorSteps;
  /** Delays that run now, the earliest first. */
  readonly due: ActorAnswer["due"];
  readonly step: number;
  readonly isLatest: boolean;
  select(step: number): void;
}
