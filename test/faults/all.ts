import { backlog } from "./backlog.ts";
import { clocks } from "./clocks.ts";
import { crashes } from "./crashes.ts";
import { damage } from "./damage.ts";
import { disks } from "./disks.ts";
import type { Fault } from "./fault.ts";
import { freezes } from "./freezes.ts";
import { headers } from "./headers.ts";
import { mixed } from "./mixed.ts";
import { network } from "./network.ts";
import { streams } from "./streams.ts";

/** Every fault, in the order of the table. */
export const FAULTS: readonly Fault[] = [
  ...crashes,
  ...freezes,
  ...network,
  ...streams,
  ...disks,
  ...damage,
  ...headers,
  ...clocks,
  ...backlog,
  mixed,
];
