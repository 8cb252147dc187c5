import { expect, it, onTestFinished, vi } from "vitest";
import { startMaintenance } from "../../src/daemon/maintenance.ts";
import { orderLane } from "../flow/delivery.ts";
import { openStation } from "../flow/station.ts";
import { capture } from "../ops/captured-log.ts";

it("while NATS is away retiring and ageing are one trouble: said once at warn", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  using station = openStation();
  const { logger, lines } = capture("debug");
  const away = () => {
    throw new Error("away");
  };
  const end = startMaintenance(
    {
      ...{ logger, types: [orderLane.type], own: { taken: away, followed: () => [] } },
      config: { NATSTATE_SCRUB_INTERVAL: null, NATSTATE_RETAIN: 1000, NATSTATE_MAX_EVENT_BYTES: 65_536 },
      store: station,
      connection: { session: { jsm: { streams: { info: away } } }, isConnected: () => true },
      path: {
        ...station,
        followed: { processor: station.processor },
        isFree: () => true,
        publishing: { backlog: () => 0, learning: {} },
      },
      reading: { lag: { byLane: () => new Map() } },
      observers: { observer: {} },
    } as unknown as Parameters<typeof startMaintenance>[0],
    () => [],
  );
  await vi.advanceTimersByTimeAsync(61_000);
  end();
  const said = lines().map(({ level, msg }) => `${level} ${msg}`);
  expect(new Set(said)).toEqual(
    new Set(["warn retention does not get on, trying again", "debug retention does not get on, trying again"]),
  );
  expect(said.filter((line) => line.startsWith("warn"))).toHaveLength(1);
});
