import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { gather, withExamples } from "./arguments.ts";

/** Adds `natstate start`: the daemon, in the foreground, until a signal. */
export function addStart(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("start")
    .description("Run the daemon until SIGTERM or Ctrl-C; a second signal exits at once.")
    .option(
      "--accept-stream <name>",
      "accept that this stream was made anew or lost messages: events are read from its first one, what DECISIONS and DEAD_LETTERS lack is published again (repeatable)",
      gather<string>,
    )
    .option("--no-wait", "exit with code 1 when NATS does not answer, instead of waiting until it does")
    .action(async (options: { acceptStream?: string[]; wait: boolean; actors?: string }) => {
      // Only here: the daemon's own modules would double the time every other command takes to begin.
      const { runDaemon } = await import("./run-daemon.ts");
      await runDaemon(types, options);
    });
  withExamples(command, [
    ["npx natstate start", "with an embedded nats-server, data in ./data"],
    ["NATS_URL=nats://10.0.0.5:4222 npx natstate start", "on a NATS of yours"],
    ["NATSTATE_DATA=/var/lib/natstate npx natstate start", "data elsewhere"],
    ["npx natstate start --actors examples/checkout/actors.ts", "actor types of yours"],
    ["npx natstate start --accept-stream ORDERS", "after ORDERS was recreated on purpose"],
  ]);
}
