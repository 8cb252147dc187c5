import type { Command } from "commander";

/** Adds `--nats <url>`: which running system to talk to. */
export function addSystemOption(command: Command): Command {
  const help = "NATS of the running system (default: NATS_URL, else what `natstate start` wrote, else port 4222)";
  return command.option("--nats <url>", help);
}
