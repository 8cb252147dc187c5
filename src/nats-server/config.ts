import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LOOPBACK } from "./ready.ts";

/** What a server of ours has of its own; everything else is as in nats.conf. */
export interface ServerSettings {
  /** An absolute path. The server keeps its streams under `<storeDir>/jetstream`. */
  storeDir: string;
  port: number;
  /** Letters, digits, `-` and `_`; the server refuses spaces. */
  name?: string;
}

const defaultConfigPath = join(import.meta.dirname, "../../nats.conf");

/**
 * Writes the configuration file a server of ours is started with: a copy of `basePath`, then our settings.
 *
 * A copy, because the server refuses `-sd` on the command line beside a `store_dir` in its file, whereas of two equal
 * settings in a file the later one counts. Readable by its owner only: the base file may hold secrets.
 * Relative `include`s of the base file are looked up beside the copy.
 *
 * @param path - where to write; missing directories are made.
 */
export async function writeServerConfig(path: string, settings: ServerSettings, basePath = defaultConfigPath) {
  const { storeDir, port, name } = settings;
  const own = [
    `store_dir: ${JSON.stringify(storeDir)}`,
    `listen: ${JSON.stringify(`${LOOPBACK}:${port}`)}`,
    name && `server_name: ${JSON.stringify(name)}`,
  ];
  const base = await readFile(basePath, "utf8");
  await mkdir(dirname(path), { recursive: true });
  const text = `${base}\n# Set by natstate, written anew at every start:\n${own.filter(Boolean).join("\n")}\n`;
  await writeFile(path, text, { mode: 0o600 });
}
