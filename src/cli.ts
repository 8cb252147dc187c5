import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { ActorType } from "./actor/actor-type.ts";
import { exampleNames, withExamples } from "./cli/arguments.ts";
import { EXIT_CODES, explain } from "./cli/exit-codes.ts";
import { loadActorTypes, takeActors } from "./cli/load-actor-types.ts";
import { onClosedPipe, say } from "./cli/output.ts";
import { shareOwnNatstate } from "./cli/own-natstate.ts";
import { endWithStarter } from "./cli/starter.ts";

/**
 * Whose types a command is about: `own`, of those who decide or open the store, are those of a module; `told`, of those
 * who look or publish, are the running daemon's.
 */
type Whose = "own" | "told" | "none";

/** Where types are from that no module is named for. */
const OTHERWISE: Readonly<Record<Whose, string>> = {
  own: "machines/registry.ts, else the order",
  told: "what the daemon tells",
  none: "what the daemon tells",
};

type Add = (program: Command, types: readonly ActorType[]) => void;

/**
 * A module's commands, as one types them, whose types they are about, and what adds them. It is loaded when one of them is
 * asked for: loading all takes half a second.
 */
type Entry = readonly [names: string, whose: Whose, load: () => Promise<Add>];

const COMMANDS: readonly Entry[] = [
  ["start", "own", async () => (await import("./cli/start.ts")).addStart],
  ["dev", "none", async () => (await import("./cli/dev.ts")).addDev],
  ["init", "none", async () => (await import("./cli/init.ts")).addInit],
  ["demo", "own", async () => (await import("./cli/rehearsal.ts")).addDemo],
  ["check", "own", async () => (await import("./cli/check.ts")).addCheck],
  ["prove", "own", async () => (await import("./cli/prove.ts")).addProve],
  ["simulate", "own", async () => (await import("./cli/rehearsal.ts")).addSimulate],
  ["publish", "told", async () => (await import("./cli/publish.ts")).addPublish],
  ["get history list stats", "told", async () => (await import("./cli/actors.ts")).addActorReads],
  ["watch", "told", async () => (await import("./cli/watch.ts")).addWatch],
  ["top", "told", async () => (await import("./cli/top.ts")).addTop],
  ["daemons", "none", async () => (await import("./cli/daemons.ts")).addDaemons],
  ["inspect", "told", async () => (await import("./cli/inspect.ts")).addInspect],
  ["health", "none", async () => (await import("./cli/health.ts")).addHealth],
  ["dead-letters", "told", async () => (await import("./cli/dead-letters.ts")).addDeadLetters],
  ["quarantine", "told", async () => (await import("./cli/quarantine.ts")).addQuarantine],
  ["doctor", "told", async () => (await import("./cli/doctor.ts")).addDoctor],
  ["verify", "own", async () => (await import("./cli/verify.ts")).addVerify],
  ["backup", "told", async () => (await import("./cli/backup.ts")).addBackup],
  ["rebuild", "own", async () => (await import("./cli/rebuild.ts")).addRebuild],
  ["config", "none", async () => (await import("./cli/config.ts")).addConfig],
  ["machine", "told", async () => (await import("./cli/machine.ts")).addMachine],
  ["schema", "told", async () => (await import("./cli/schema.ts")).addSchema],
];

async function typesOf(whose: Whose): Promise<readonly ActorType[]> {
  const args = process.argv.slice(2);
  if (whose === "none") return [];
  if (whose === "own") return loadActorTypes(args, process.env);
  return (await import("./cli/told-types.ts")).toldTypes(args, process.env);
}

/** `natstate` with the command that was asked for, or with all of them. */
async function createProgram(asked: string | undefined): Promise<Command> {
  const { version, description } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
    description: string;
  };
  const program = new Command("natstate")
    .description(description)
    .version(version)
    .showHelpAfterError("(npx natstate --help says more)")
    .exitOverride();
  if (asked === "--version" || asked === "-V") return program;
  const named = COMMANDS.find(([names]) => names.split(" ").includes(asked ?? ""));
  // All of them are there to be listed.
  const types = await typesOf(named?.[1] ?? "own");
  for (const [, whose, load] of named === undefined ? COMMANDS : [named]) {
    const before = program.commands.length;
    (await load())(program, types);
    for (const command of program.commands.slice(before)) {
      nameInHelp(command, "npx natstate");
      // Settings are the same for all types.
      if (command.name() !== "config") for (const each of leavesOf(command)) takeActors(each, OTHERWISE[whose]);
    }
  }
  const codes = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${code}  ${meaning}`);
  program.addHelpText("after", `\nExit codes:\n${codes.join("\n")}`);
  const { id, eventType, state, collection } = exampleNames(types);
  return withExamples(program, [
    ["npx natstate start", "run the daemon, data in ./data"],
    [`npx natstate publish ${id} ${eventType} - < event.json`, "one event"],
    [`npx natstate get ${id}`, "what is known of one"],
    [`npx natstate list --state ${state}`, `${collection} by state`],
    ["npx natstate watch", "decisions as they are published"],
    ["npx natstate dead-letters list", "what could not be read"],
  ]);
}

// Whatever is written, here and by the nats-server that is started here, is for its owner only.
process.umask(0o077);
endWithStarter();
shareOwnNatstate();

/** After a mistake each command names its own help. */
function nameInHelp(command: Command, before: string): void {
  const line = `${before} ${command.name()}`;
  command.showHelpAfterError(`(${line} --help says more)`);
  for (const each of command.commands) nameInHelp(each, line);
}

/** Those that do something. */
function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

onClosedPipe(() => process.exit());
try {
  await (await createProgram(process.argv[2])).parseAsync();
} catch (error) {
  const { code, message } = explain(error);
  if (message !== null) say(message.startsWith("natstate ") ? message : `natstate: ${message}`);
  // Not only exitCode: whatever a failure has left open must not keep the process.
  process.exit(code);
}
