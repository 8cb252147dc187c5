import { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { addSystemOption, type TypedOptions } from "./asking.ts";
import { loadActorTypes, namedModule, registryModule } from "./load-actor-types.ts";
import { say } from "./output.ts";
import { withDaemons } from "./system.ts";

/** Those that say something of a type without any daemon: then it has to be said whose type it is. */
const ALONE = ["machine", "schema"];

/**
 * The actor types that a command is about which only looks or publishes: those of the module that is named, else those
 * the running daemon tells, else those of the working directory's registry, else the bundled ones.
 *
 * Help asks nobody.
 */
export async function toldTypes(args: readonly string[], env: NodeJS.ProcessEnv): Promise<readonly ActorType[]> {
  const { nats, type, help } = readAsked(args);
  if (help || namedModule(args, env) !== undefined) return loadActorTypes(args, env);
  // Whatever is in the way, the command itself meets it as well, and says what to do.
  const told = await withDaemons(nats, ({ queries }) => queries.types()).catch(() => undefined);
  if (told !== undefined) return told;
  const mayMislead = type !== undefined || ALONE.includes(args[0] ?? "");
  if (mayMislead && registryModule() === undefined) {
    say("no daemon tells its types, and no --actors names a module: only the bundled order is known here");
  }
  return loadActorTypes(args, env);
}

function readAsked(args: readonly string[]): TypedOptions & { readonly help: boolean } {
  const command = addSystemOption(new Command().exitOverride()).helpOption(false).option("--type <name>");
  const { unknown } = command.parseOptions([...args]);
  const help = args[0] === "help" || unknown.some((each) => each === "--help" || each === "-h");
  return { ...command.opts<TypedOptions>(), help };
}
