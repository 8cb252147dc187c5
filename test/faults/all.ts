import { backlog } from "./backlog.ts";
import { clocks } from "./clocks.ts";
import { clusterFaults } from "./cluster-faults.ts";
import { consumers } from "./consumers.ts";
import { crashes } from "./crashes.ts";
import { damage } from "./damage.ts";
import { disks } from "./disks.ts";
import type { ClusterFault, Fault } from "./fault.ts";
import { freezes } from "./freezes.ts";
import { headers } from "./headers.ts";
import { limits } from "./limits.ts";
import { memory } from "./memory.ts";
import { mixed } from "./mixed.ts";
import { network } from "./network.ts";
import { poison } from "./poison.ts";
import { purges } from "./purges.ts";
import { repartitioned } from "./repartitioned.ts";
import { restores } from "./restores.ts";
import { strangers } from "./strangers.ts";
import { streams } from "./streams.ts";
import { unread } from "./unread.ts";

/** Every fault, in the order of the table. */
export const FAULTS: readonly (Fault | ClusterFault)[] = [
  ...crashes,
  ...freezes,
  ...network,
  ...streams,
  ...consumers,
  ...unread,
  ...limits,
  ...purges,
  ...restores,
  ...repartitioned,
  ...strangers,
  ...disks,
  ...damage,
  ...poison,
  ...headers,
  ...memory,
  ...clocks,
  ...backlog,
  mixed,
  ...clusterFaults,
];
