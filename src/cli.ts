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

interface Entry {
  /** Its commands, as one types them. */
  readonly names: string;
  readonly whose: Whose;
  add(program: Command, types: readonly ActorType[]): Promise<void>;
}

/** Each command's modules are loaded when it is the one that was asked for: loading all of them takes half a second. */
const COMMANDS: readonly Entry[] = [
  {
    names: "start",
    whose: "own",
    add: async (program, types) => (await import("./cli/start.ts")).addStart(program, types),
  },
  {
    names: "dev",
    whose: "none",
    add: async (program) => (await import("./cli/dev.ts")).addDev(program),
  },
  {
    names: "init",
    whose: "none",
    add: async (program) => (await import("./cli/init.ts")).addInit(program),
  },
  {
    names: "demo",
    whose: "own",
    add: async (program, types) => (await import("./cli/rehearsal.ts")).addDemo(program, types),
  },
  {
    names: "check",
    whose: "own",
    add: async (program, types) => (await import("./cli/check.ts")).addCheck(program, types),
  },
  {
    names: "prove",
    whose: "own",
    add: async (program, types) => (await import("./cli/prove.ts")).addProve(program, types),
  },
  {
    names: "simulate",
    whose: "own",
    add: async (program, types) => (await import("./cli/rehearsal.ts")).addSimulate(program, types),
  },
  {
    names: "publish",
    whose: "told",
    add: async (program, types) => (await import("./cli/publish.ts")).addPublish(program, types),
  },
  {
    names: "get history list stats",
    whose: "told",
    add: async (program, types) => (await import("./cli/actors.ts")).addActorReads(program, types),
  },
  {
    names: "watch",
    whose: "told",
    add: async (program, types) => (await import("./cli/watch.ts")).addWatch(program, types),
  },
  {
    names: "top",
    whose: "told",
    add: async (program, types) => (await import("./cli/top.ts")).addTop(program, types),
  },
  {
    names: "daemons",
    whose: "none",
    add: async (program) => (await import("./cli/daemons.ts")).addDaemons(program),
  },
  {
    names: "inspect",
    whose: "told",
    add: async (program, types) => (await import("./cli/inspect.ts")).addInspect(program, types),
  },
  {
    names: "health",
    whose: "none",
    add: async (program) => (await import("./cli/health.ts")).addHealth(program, () => typesOf("told")),
  },
  {
    names: "dead-letters",
    whose: "told",
    add: async (program, types) => (await import("./cli/dead-letters.ts")).addDeadLetters(program, types),
  },
  {
    names: "quarantine",
    whose: "told",
    add: async (program, types) => (await import("./cli/quarantine.ts")).addQuarantine(program, types),
  },
  {
    names: "doctor",
    whose: "told",
    add: async (program, types) => (await import("./cli/doctor.ts")).addDoctor(program, types),
  },
  {
    names: "verify",
    whose: "own",
    add: async (program, types) => (await import("./cli/verify.ts")).addVerify(program, types),
  },
  {
    names: "backup",
    whose: "told",
    add: async (program, types) => (await import("./cli/backup.ts")).addBackup(program, types),
  },
  {
    names: "rebuild",
    whose: "own",
    add: async (program, types) => (await import("./cli/rebuild.ts")).addRebuild(program, types),
  },
  {
    names: "config",
    whose: "none",
    add: async (program) => (await import("./cli/config.ts")).addConfig(program),
  },
  {
    names: "machine",
    whose: "told",
    add: async (program, types) => (await import("./cli/machine.ts")).addMachine(program, types),
  },
  {
    names: "schema",
    whose: "told",
    add: async (program, types) => (await import("./cli/schema.ts")).addSchema(program, types),
  },
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
  const named = COMMANDS.find(({ names }) => names.split(" ").includes(asked ?? ""));
  // All of them are there to be listed.
  const types = await typesOf(named?.whose ?? "own");
  for (const { add, whose } of named === undefined ? COMMANDS : [named]) {
    const before = program.commands.length;
    await add(program, types);
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
