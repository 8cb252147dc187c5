import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import type { Config } from "../config/config.ts";
import { maskUrl } from "../config/values.ts";
import { print } from "./output.ts";

export interface Announced {
  readonly natsUrl: string;
  readonly httpUrl: string | null;
  readonly config: Config;
  readonly types: readonly ActorType[];
  /** Where the actor types are from, when the command line says so. */
  readonly actors: string | undefined;
  /** For a person: which one this is. */
  readonly what: string;
  /** The same, for the log. */
  readonly named: object;
}

/** Says where everything is. @param logger - null: on standard output. */
export function announce(announced: Announced, logger: Logger | null): void {
  const { natsUrl, httpUrl, config, what, named } = announced;
  const host = hostname();
  const dataDir = resolve(config.NATSTATE_DATA);
  const embedded = config.NATS_URL === undefined;
  const next = nextSteps(announced);
  if (logger !== null) {
    const where = { nats: maskUrl(natsUrl), embedded, api: httpUrl, data: dataDir };
    logger.info({ ...named, host, ...where, next }, "natstate is running");
    return;
  }
  if (config.NATSTATE_LOG_LEVEL === "silent") return;
  const lines = [
    "natstate is running",
    "",
    `  Console  ${httpUrl === null ? "off (NATSTATE_HTTP)" : `${httpUrl}  (and the API)`}`,
    `  NATS     ${maskUrl(natsUrl)}${embedded ? "  (embedded nats-server)" : ""}`,
    `  Data     ${dataDir}  (kept when natstate stops)`,
    `  This     ${what}`,
    "",
    "Now, in another terminal:",
    ...next.map((line) => `  ${line}`),
    "",
    "Ctrl-C stops it.",
    "",
  ];
  print(lines);
}

function nextSteps({ types: [type], config, actors = config.NATSTATE_ACTORS, httpUrl }: Announced): string[] {
  const { NATSTATE_DATA } = config;
  const dataDir = resolve(NATSTATE_DATA);
  const where = dataDir === resolve("data") ? "" : `NATSTATE_DATA=${dataDir} `;
  const which = actors === undefined ? "" : ` --actors ${actors}`;
  const ask = httpUrl === null ? [] : [`curl ${httpUrl}/api/${type?.collection}`];
  // Only what makes traffic needs the types' code: all others ask this daemon.
  const first = type?.rehearsal === undefined ? "publish --help" : `simulate --${type.collection} 100${which}`;
  return [...[first, "list", "watch"].map((line) => `${where}npx natstate ${line}`), ...ask];
}
