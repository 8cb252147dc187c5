import { it } from "node:test";
import { converges, given } from "natstate/testing";
import { device } from "./actors.ts";

const heartbeat = (timestamp: string) => ({ eventType: "Heartbeat", timestamp }) as const;
const measured = (timestamp: string, celsius: number) =>
  ({ eventType: "TemperatureMeasured", timestamp, celsius }) as const;
const wanted = (timestamp: string) => ({ eventType: "IntervalWanted", timestamp, seconds: 5 }) as const;
const reported = (timestamp: string) => ({ eventType: "IntervalReported", timestamp, seconds: 5 }) as const;
const acknowledged = (timestamp: string) => ({ eventType: "AlarmAcknowledged", timestamp, by: "Ada" }) as const;

const ALARM = { decisionType: "DeviceAlarm", isLost: false, isTooHot: false, isDisobedient: false } as const;
const LOST = { ...ALARM, isLost: true } as const;
const OVER = { decisionType: "DeviceAlarmOver" } as const;

/** So many seconds after ten o'clock. */
const after = (seconds: number) => new Date(seconds * 1000 + 36_000_000).toISOString().slice(11, 19);

for (const [every, what] of [
  [30, "a heartbeat every 30 s"],
  [90, "one every 90 s, the last moment that is in time"],
] as const) {
  it(`${what}, each heard 3 s late, never alarms anybody`, () => {
    const specification = given(device, []);
    for (let seconds = 0; seconds <= 3600; seconds += every) {
      specification.heard([heartbeat(after(seconds))], after(seconds + 3));
    }
    specification.then({ decisions: [] });
  });
}

it("without the grace each would alarm, and each next one take it back", () => {
  const specification = given({ ...device, graceMs: 0 }, [heartbeat(after(0))], after(3));
  for (let seconds = 90; seconds <= 180; seconds += 90) {
    specification.at(after(seconds + 2)).heard([heartbeat(after(seconds))], after(seconds + 3));
  }
  specification.then({ decisions: [LOST, OVER, LOST, OVER] });
});

it("is lost 90 s after its last heartbeat, and found by the next", () => {
  given(device, [heartbeat("10:00"), heartbeat("10:00:30")])
    .at("10:01:59")
    .then({ decision: null })
    .at("10:02")
    .then({ decision: LOST })
    .heard([heartbeat("10:07")])
    .then({ decisions: [LOST, OVER] });
});

it("too hot for five minutes rings until somebody has seen it; a cool moment begins it anew", () => {
  given(device, [measured("10:00", 85), measured("10:01", 91)])
    .at("10:05")
    .then({ state: "connection.lost · temperature.overheated.ringing · settings.inSync" })
    .heard([acknowledged("10:06")])
    .then({ decision: LOST })
    // What was measured in between comes late: it never was too hot for five minutes.
    .heard([measured("10:03", 60)], "10:07")
    .then({ state: "connection.lost · temperature.normal · settings.inSync" });
});

it("a setting that is not applied in ten minutes alarms", () => {
  given(device, [heartbeat("10:00"), wanted("10:00:30")])
    .at("10:10:30")
    .then({ decision: { ...LOST, isDisobedient: true } })
    .heard([reported("10:11")])
    .then({ state: "connection.lost · temperature.normal · settings.inSync" });
});

it("every order of arrival ends the same", () => {
  const events = [
    measured("10:00:20", 85),
    wanted("10:01"),
    reported("10:02"),
    acknowledged("10:05:30"),
    heartbeat("10:06"),
  ];
  converges(device, { events });
  given(device, events, "10:07").then({
    state: "connection.online · temperature.overheated.acknowledged · settings.inSync",
    context: { celsius: 85, wantedInterval: 5, reportedInterval: 5 },
    decision: null,
  });
});
