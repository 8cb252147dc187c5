import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { readGiven } from "../config/environment.ts";
import { CliError } from "./exit-codes.ts";

/** Adds `--actors <module>`, which `loadActorTypes` heeds. */
export function takeActors(command: Command): Command {
  return command.option("--actors <module>", "file with the actor types (default: NATSTATE_ACTORS, else the order)");
}

/** What an actor type cannot do without; whether it is right in itself is checked at start. */
const REQUIRED = ["name", "collection", "idField", "events", "machine", "conclude"];

/**
 * The actor types that a command is about: those of the module it names, of the one that NATSTATE_ACTORS names, or the
 * bundled ones.
 *
 * @param args - of the command line; looked at before it is parsed, since what it may say depends on the types.
 * @throws CliError `usage`, with the file and what was expected.
 */
export async function loadActorTypes(args: readonly string[], env: NodeJS.ProcessEnv): Promise<readonly ActorType[]> {
  const asked = findAsked(args);
  const path = asked ?? readGiven(env, "NATSTATE_ACTORS").text;
  if (path === undefined) return (await import("../../machines/registry.ts")).actorTypes;
  const named = `${asked === undefined ? "NATSTATE_ACTORS=" : "--actors "}${path}`;
  const file = resolve(path);
  if (!existsSync(file)) throw new CliError("usage", `${named}: ${file} is not there, expected a module`);
  const module = (await import(pathToFileURL(file).href).catch((error: unknown) => {
    throw new CliError("usage", `${named}: it cannot be loaded: ${asError(error).message}`, { cause: error });
  })) as { default?: unknown; actorTypes?: unknown };
  const types = module.default ?? module.actorTypes;
  if (!Array.isArray(types) || types.length === 0) {
    throw new CliError("usage", `${named}: expected a default export (or actorTypes) that is an array of actor types`);
  }
  for (const [index, type] of types.entries()) {
    const missing = REQUIRED.filter(
      (field) => (type as Readonly<Record<string, unknown>> | null)?.[field] === undefined,
    );
    if (missing.length === 0) continue;
    throw new CliError("usage", `${named}: element ${index} is no actor type, it has no ${missing.join(", ")}`);
  }
  return types;
}

/** What the command line says, wherever in it: which other options there are depends on the types. */
function findAsked(args: readonly string[]): string | undefined {
  const command = takeActors(new Command().exitOverride());
  command.parseOptions([...args]);
  return command.opts<{ actors?: string }>().actors;
}
