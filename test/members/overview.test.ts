import { expect, it } from "vitest";
import { renderDaemons } from "../../src/cli/daemons.ts";
import { overviewOf } from "../../src/members/overview.ts";
import { aMember, knowing } from "./a-member.ts";

const first = aMember("b", {
  startedAt: "2026-01-01T00:00:00.000Z",
  rssBytes: 200 * 1_048_576,
  streams: [knowing({ holds: [3, 0, 1, 2, 7], follows: [9] }), knowing({ name: "PARCELS", type: "parcel" })],
});
const second = aMember("a", {
  startedAt: "2026-01-01T01:00:00.000Z",
  daemon: "2",
  pid: 2,
  ready: false,
  leaving: true,
  lag: null,
  troubles: ["12 messages are not yet applied"],
  streams: [knowing({ holds: [4, 5, 6, 8, 9, 10, 11, 12, 13, 14] })],
});

it("the longest running comes first; what nobody holds of a stream is told", () => {
  const { daemons, unread } = overviewOf([second, first]);
  expect(daemons.map(({ id }) => id)).toEqual(["b", "a"]);
  const all = Array.from({ length: 16 }, (_, partition) => partition);
  expect(unread).toEqual([
    { stream: "ORDERS", partitions: [15] },
    { stream: "PARCELS", partitions: all },
  ]);
});

it("each daemon is a line, what is wrong a line each after them", () => {
  const lines = renderDaemons(overviewOf([first, second]), Date.parse("2026-01-01T01:00:30Z"));
  expect(lines.map((line) => line.replace(/ {2,}/g, "  "))).toEqual([
    "daemon  ready  lag  up  memory  version  partitions",
    "here 1  yes  0  61 min  200 MiB  0.1.0  order v1: 0-3, 7, follows 9; parcel v1: none",
    "here 2 (2)  NO, leaving  -  30 s  0 MiB  0.1.0  order v1: 4-6, 8-14",
    "here 2 (2): 12 messages are not yet applied",
    "nobody reads partitions 15 of ORDERS",
    "nobody reads partitions 0-15 of PARCELS",
  ]);
});
