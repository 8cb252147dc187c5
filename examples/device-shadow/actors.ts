import { defineActor } from "natstate";
import { z } from "zod";
import { machine } from "./machine.ts";

/** What is known of a device that reports from afar: is it there, is it too hot, does it do as it was told. */
export const device = defineActor({
  name: "device",
  events: {
    Heartbeat: z.object({}),
    TemperatureMeasured: z.object({ celsius: z.number() }),
    AlarmAcknowledged: z.object({ by: z.string() }),
    IntervalWanted: z.object({ seconds: z.int().positive() }),
    IntervalReported: z.object({ seconds: z.int().positive() }),
  },
  machine,
  // Its radio is slow: a heartbeat that was in time may be heard so much later, before anybody is told that it is lost.
  graceMs: 10_000,
  decisions: {
    DeviceAlarm: z.object({ isLost: z.boolean(), isTooHot: z.boolean(), isDisobedient: z.boolean() }),
  },
  withdrawn: "DeviceAlarmOver",
  conclude({ tags, matches }) {
    if (!tags.has("alarm")) return { content: null };
    return {
      content: {
        decisionType: "DeviceAlarm",
        isLost: matches("connection.lost"),
        isTooHot: matches("temperature.overheated.ringing"),
        isDisobedient: matches("settings.ignored"),
      },
    };
  },
});

export default [device];
