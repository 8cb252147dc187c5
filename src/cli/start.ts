import cluster from "node:cluster";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { readConfig } from "../config/config.ts";
import { daemonCount } from "../config/values.ts";
import { surplusDirectories } from "../supervisor/directories.ts";
import type { Supervision } from "../supervisor/messages.ts";
import { gather, withExamples } from "./arguments.ts";
import type { StartOptions } from "./run-daemon.ts";

interface Options extends StartOptions {
  readonly daemons?: number;
  readonly supervised?: Supervision;
}

/** Adds `natstate start`: the daemon, or several, in the foreground, until a signal. */
export function addStart(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("start")
    .description("Run the daemon until SIGTERM or Ctrl-C; a second signal exits at once.")
    .option(
      "--daemons <n>",
      "run so many, a process each, that share the partitions and one HTTP port; auto: one for each core (default: NATSTATE_DAEMONS, else 1)",
      countOfDaemons,
    )
    .option(
      "--accept-stream <name>",
      "accept that this stream was made anew or lost messages: events are read from its first one, what DECISIONS and DEAD_LETTERS lack is published again (repeatable)",
      gather<string>,
    )
    .option("--no-wait", "exit with code 1 when NATS does not answer, instead of waiting until it does")
    // For processes that a supervisor starts.
    .addOption(new Option("--supervised <json>").argParser((text) => JSON.parse(text) as Supervision).hideHelp())
    .action((options: Options) => start(types, options));
  withExamples(command, [
    ["npx natstate start", "with an embedded nats-server, data in ./data"],
    ["npx natstate start --daemons auto", "a daemon for each core"],
    ["NATS_URL=nats://10.0.0.5:4222 npx natstate start", "on a NATS of yours"],
    ["NATSTATE_DATA=/var/lib/natstate npx natstate start", "data elsewhere"],
    ["npx natstate start --actors examples/checkout/actors.ts", "actor types of yours"],
    ["npx natstate start --accept-stream ORDERS", "after ORDERS was recreated on purpose"],
  ]);
}

function countOfDaemons(text: string): number {
  const { data, error } = daemonCount.safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`${error?.issues[0]?.message}.`);
  return data;
}

/** Only the modules that are needed: the daemon's own would double the time every other command takes to begin. */
async function start(types: readonly ActorType[], options: Options): Promise<void> {
  const { supervised } = options;
  if (supervised !== undefined && cluster.isWorker) {
    const { runSupervised } = await import("./run-supervised.ts");
    return runSupervised(types, options, supervised);
  }
  const config = readConfig(process.env);
  const daemons = options.daemons ?? config.NATSTATE_DAEMONS;
  // One is enough, but what ran before may have what it lacks.
  if (daemons > 1 || surplusDirectories(config.NATSTATE_DATA, daemons).length > 0) {
    const { runDaemons } = await import("./run-daemons.ts");
    return runDaemons(types, daemons, options);
  }
  const { runDaemon } = await import("./run-daemon.ts");
  return runDaemon(types, options);
}
