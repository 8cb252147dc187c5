import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { machine, type Shadow } from "./machine.ts";

/** What is known of a device that reports from afar: is it there, is it too hot, does it do as it was told. */
export const deviceType: ActorType<Shadow> = {
  name: "device",
  collection: "devices",
  idField: "deviceId",
  events: {
    Heartbeat: z.object({}),
    TemperatureMeasured: z.object({ celsius: z.number() }),
    AlarmAcknowledged: z.object({ by: z.string() }),
    IntervalWanted: z.object({ seconds: z.int().positive() }),
    IntervalReported: z.object({ seconds: z.int().positive() }),
  },
  machine,
  version: 1,
  // Its radio is slow: a heartbeat that was in time may be heard so much later, before anybody is told that it is lost.
  graceMs: 10_000,
  states: [
    "connection.online",
    "connection.lost",
    "temperature.normal",
    "temperature.hot",
    "temperature.overheated.ringing",
    "temperature.overheated.acknowledged",
    "settings.inSync",
    "settings.applying",
    "settings.ignored",
  ],
  decisionTypes: ["DeviceAlarm", "DeviceAlarmOver"],
  withdrawn: "DeviceAlarmOver",
  decisions: {
    DeviceAlarm: z.object({ isLost: z.boolean(), isTooHot: z.boolean(), isDisobedient: z.boolean() }),
    DeviceAlarmOver: z.object({}),
  },
  conclude({ tags, matches }) {
    if (!tags.has("alarm")) return { content: null };
    const content = {
      decisionType: "DeviceAlarm",
      isLost: matches("connection.lost"),
      isTooHot: matches("temperature.overheated.ringing"),
      isDisobedient: matches("settings.ignored"),
    };
    return { content };
  },
  completeness: ({ context }) => (context.celsius === null ? 50 : 100),
  view: ({ context }) => ({ ...context }),
  waitingFor: ({ matches, context }) => [
    ...(matches("connection.lost") ? ["Heartbeat"] : []),
    ...(context.celsius === null ? ["TemperatureMeasured"] : []),
    ...(matches("temperature.overheated.ringing") ? ["AlarmAcknowledged"] : []),
    ...(matches("settings.inSync") ? [] : ["IntervalReported"]),
  ],
};

export default [deviceType];
