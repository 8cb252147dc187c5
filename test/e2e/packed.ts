import { cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ROOT, startProgram } from "./cli-run.ts";

/** Packs natstate as npm does for its registry. @param dir - becomes a clone's, and the tarball's. @returns the tarball. */
export async function pack(dir: string): Promise<string> {
  const quiet = { npm_config_offline: "true", npm_config_update_notifier: "false" };
  const packed = await startProgram("npm", ["pack", copyClone(dir), "--pack-destination", dir], quiet).ran;
  if (packed.code !== 0) throw new Error(packed.stderr);
  return join(dir, readdirSync(dir).find((name) => name.endsWith(".tgz")) ?? "");
}

/** Packing leaves dist/ behind, which has no place in the clone that is being tested. */
function copyClone(dir: string): string {
  const clone = join(dir, "clone");
  const leftOut = ["node_modules", ".git", "data", "dist"];
  for (const name of readdirSync(ROOT).filter((name) => !leftOut.includes(name))) {
    cpSync(join(ROOT, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(clone, "node_modules"));
  return clone;
}

/**
 * Installs a tarball of natstate in a project. Its dependencies, and those of the project, are linked instead of
 * installed, so that no registry is asked.
 *
 * @returns where natstate is then.
 */
export async function install(tarball: string, project: string): Promise<string> {
  const installed = join(project, "node_modules/natstate");
  mkdirSync(installed, { recursive: true });
  const unpacked = await startProgram("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"], {}).ran;
  if (unpacked.code !== 0) throw new Error(unpacked.stderr);
  const from = join(ROOT, "node_modules");
  for (const name of readdirSync(from).filter((name) => !name.startsWith("."))) {
    symlinkSync(join(from, name), join(project, "node_modules", name));
  }
  mkdirSync(join(project, "node_modules/.bin"));
  const commands = { node: "node/bin/node", tsc: "typescript/bin/tsc", natstate: "natstate/src/bin.js" };
  for (const [name, file] of Object.entries(commands)) {
    symlinkSync(join("..", file), join(project, "node_modules/.bin", name));
  }
  return installed;
}
