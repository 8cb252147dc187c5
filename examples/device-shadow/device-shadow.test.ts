import { expect, it } from "vitest";
import { Hosted, permutations, type Told } from "../hosted.ts";
import { deviceType } from "./actors.ts";

const heartbeat = (at: string, heard = at): Told => ({ type: "Heartbeat", at, heard });
const measured = (at: string, celsius: number): Told => ({ type: "TemperatureMeasured", at, data: { celsius } });
const ALARM = { decisionType: "DeviceAlarm", isLost: false, isTooHot: false, isDisobedient: false };
const OVER = { decisionType: "DeviceAlarmOver" };

/** So many seconds after ten o'clock. */
const after = (seconds: number) => new Date(seconds * 1000 + 36_000_000).toISOString().slice(11, 19);

it("a heartbeat every 30 s, each heard 3 s late, never alarms anybody", () => {
  const device = new Hosted(deviceType);
  for (let seconds = 0; seconds <= 3600; seconds += 30) device.hear(heartbeat(after(seconds), after(seconds + 3)));
  expect(device.decisions).toEqual([]);
});

it("nor does one every 90 s, the last moment that is in time, each heard 3 s late", () => {
  const device = new Hosted(deviceType);
  for (let seconds = 0; seconds <= 3600; seconds += 90) device.hear(heartbeat(after(seconds), after(seconds + 3)));
  expect(device.decisions).toEqual([]);
  // Without the grace each would alarm, and each next one take it back.
  const hasty = new Hosted({ ...deviceType, graceMs: 0 });
  for (let seconds = 0; seconds <= 180; seconds += 90) {
    hasty.pass(after(seconds + 2));
    hasty.hear(heartbeat(after(seconds), after(seconds + 3)));
  }
  expect(hasty.decisions).toEqual([{ ...ALARM, isLost: true }, OVER, { ...ALARM, isLost: true }, OVER]);
});

it("is lost 90 s after its last heartbeat, and found by the next", () => {
  const device = new Hosted(deviceType);
  device.hear(heartbeat("10:00"), heartbeat("10:00:30"));
  device.pass("10:01:59");
  expect(device.standing).toBeNull();
  device.pass("10:02");
  expect(device.standing).toEqual({ ...ALARM, isLost: true });
  device.hear(heartbeat("10:07"));
  expect(device.decisions).toEqual([{ ...ALARM, isLost: true }, OVER]);
});

it("too hot for five minutes rings until somebody has seen it; a cool moment begins it anew", () => {
  const device = new Hosted(deviceType);
  device.hear(measured("10:00", 85), measured("10:01", 91));
  device.pass("10:05");
  expect(device.state).toBe("connection.lost · temperature.overheated.ringing · settings.inSync");
  device.hear({ type: "AlarmAcknowledged", at: "10:06", data: { by: "Ada" } });
  expect(device.standing).toEqual({ ...ALARM, isLost: true });
  // What was measured in between comes late: it never was too hot for five minutes.
  device.hear({ ...measured("10:03", 60), heard: "10:07" });
  expect(device.state).toBe("connection.lost · temperature.normal · settings.inSync");
});

it("a setting that is not applied in ten minutes alarms", () => {
  const device = new Hosted(deviceType);
  device.hear(heartbeat("10:00"), { type: "IntervalWanted", at: "10:00:30", data: { seconds: 5 } });
  device.pass("10:10:30");
  expect(device.standing).toEqual({ ...ALARM, isLost: true, isDisobedient: true });
  device.hear({ type: "IntervalReported", at: "10:11", data: { seconds: 5 } });
  expect(device.state).toBe("connection.lost · temperature.normal · settings.inSync");
});

it("every arrival order ends the same", () => {
  const told = [
    measured("10:00:20", 85),
    { type: "IntervalWanted", at: "10:01", data: { seconds: 5 } },
    { type: "IntervalReported", at: "10:02", data: { seconds: 5 } },
    { type: "AlarmAcknowledged", at: "10:05:30", data: { by: "Ada" } },
    heartbeat("10:06"),
  ];
  for (const order of permutations(told)) {
    const device = new Hosted(deviceType);
    device.hear(...order.map((each) => ({ ...each, heard: "10:07" })));
    expect(device.state).toBe("connection.online · temperature.overheated.acknowledged · settings.inSync");
    expect(device.context).toEqual({ celsius: 85, wantedInterval: 5, reportedInterval: 5 });
    expect(device.standing).toBeNull();
  }
});
