import type { Command } from "commander";
import { askMembers } from "../members/ask-members.ts";
import { overviewOf } from "../members/overview.ts";
import { withExamples } from "./arguments.ts";
import { type AskingOptions, addSystemOption } from "./asking.ts";
import { renderDaemons } from "./daemons-text.ts";
import { CliError } from "./exit-codes.ts";
import { print, printJson, terminalColumns } from "./output.ts";
import { withSystem } from "./system.ts";

const ANSWER_MS = 1000;

/** Adds `natstate daemons`: who is there, and who reads what. */
export function addDaemons(program: Command): void {
  const command = program
    .command("daemons")
    .description(
      "List the running daemons: partitions, lag, version, memory, uptime, and what keeps one from being ready.",
    )
    .option("--json", "print JSON")
    .action(listDaemons);
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate daemons", "a line each"],
    ["npx natstate daemons --json | jq '.daemons[] | select(.ready | not)'", "those that are not ready"],
  ]);
}

async function listDaemons({ nats, json }: AskingOptions): Promise<void> {
  const overview = await withSystem(nats, async ({ session, natsUrl }) => {
    const members = await askMembers(session.nc, undefined, ANSWER_MS);
    if (members.size === 0) throw new CliError("failed", `NATS answers at ${natsUrl}, but no natstate daemon`);
    return overviewOf(members.values());
  });
  if (json) printJson(overview);
  else print(renderDaemons(overview, Date.now(), terminalColumns()));
}
