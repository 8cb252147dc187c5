import { assertEvent, assign, setup } from "xstate";

export interface Shadow {
  readonly celsius: number | null;
  /** Seconds between two measurements, as somebody wants them. */
  readonly wantedInterval: number | null;
  /** As the device says they are. */
  readonly reportedInterval: number | null;
}

type Event =
  | { type: "Heartbeat" }
  | { type: "TemperatureMeasured"; data: { celsius: number } }
  | { type: "AlarmAcknowledged"; data: { by: string } }
  | { type: "IntervalWanted"; data: { seconds: number } }
  | { type: "IntervalReported"; data: { seconds: number } };

export const machine = setup({
  types: { context: {} as Shadow, events: {} as Event, tags: {} as "alarm" },
  actions: {
    noteTemperature: assign(({ event }) => {
      assertEvent(event, "TemperatureMeasured");
      return { celsius: event.data.celsius };
    }),
    noteWanted: assign(({ event }) => {
      assertEvent(event, "IntervalWanted");
      return { wantedInterval: event.data.seconds };
    }),
    noteReported: assign(({ event }) => {
      assertEvent(event, "IntervalReported");
      return { reportedInterval: event.data.seconds };
    }),
  },
  guards: {
    isHot: ({ context }) => context.celsius !== null && context.celsius >= 80,
    isCool: ({ context }) => context.celsius !== null && context.celsius < 75,
    isInSync: ({ context }) => context.wantedInterval === context.reportedInterval,
    isOutOfSync: ({ context }) =>
      context.wantedInterval !== null && context.wantedInterval !== context.reportedInterval,
  },
  delays: { heartbeatTimeout: 90_000, heatTolerance: 5 * 60_000, applyTimeout: 10 * 60_000 },
}).createMachine({
  id: "device",
  context: { celsius: null, wantedInterval: null, reportedInterval: null },
  type: "parallel",
  on: {
    TemperatureMeasured: { actions: "noteTemperature" },
    IntervalWanted: { actions: "noteWanted" },
    IntervalReported: { actions: "noteReported" },
  },
  states: {
    connection: {
      initial: "online",
      states: {
        online: {
          // Entered anew, its delay begins anew.
          on: { Heartbeat: { target: "online", reenter: true } },
          after: { heartbeatTimeout: "lost" },
        },
        lost: { tags: "alarm", on: { Heartbeat: "online" } },
      },
    },
    temperature: {
      initial: "normal",
      states: {
        normal: { always: { guard: "isHot", target: "hot" } },
        hot: {
          always: { guard: "isCool", target: "normal" },
          after: { heatTolerance: "overheated" },
        },
        overheated: {
          initial: "ringing",
          always: { guard: "isCool", target: "normal" },
          states: {
            ringing: { tags: "alarm", on: { AlarmAcknowledged: "acknowledged" } },
            acknowledged: {},
          },
        },
      },
    },
    settings: {
      initial: "inSync",
      states: {
        inSync: { always: { guard: "isOutOfSync", target: "applying" } },
        applying: {
          always: { guard: "isInSync", target: "inSync" },
          after: { applyTimeout: "ignored" },
        },
        ignored: { tags: "alarm", always: { guard: "isInSync", target: "inSync" } },
      },
    },
  },
});
