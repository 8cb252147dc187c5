import { resolve } from "node:path";
import { z } from "zod";
import { fileVariable, type Given, injectedVariables, readGiven, SECRETS } from "./environment.ts";
import { isLoopback } from "./loopback.ts";
import { unusablePaths } from "./paths.ts";
import {
  duration,
  flag,
  hostNames,
  integer,
  listenAddress,
  maskUrl,
  mirrorUrl,
  natsUrl,
  optionalDuration,
  path,
  token,
} from "./values.ts";

/** What `natstate start` runs with, read from the environment. */
export type Config = z.output<typeof schema>;

/** The environment is not usable; `problems` names every setting that is wrong, not only the first. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `the configuration has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n  ${problems.join("\n  ")}`,
    );
    this.problems = problems;
  }
}

interface Setting {
  readonly schema: z.ZodType;
  readonly fallback: string | undefined;
  readonly help: string;
  /** What of its value is shown to nobody. */
  readonly secret?: "userinfo" | "all";
}

/** Every setting: its schema, its default as one would write it, and what it does. The docs' table is held against it. */
export const settings = {
  NATS_URL: {
    schema: natsUrl,
    fallback: undefined,
    help: "NATS servers to use, or NATS_URL_FILE. Unset: an embedded nats-server on loopback",
    secret: "userinfo",
  },
  NATS_CREDS: { schema: path, fallback: undefined, help: "path of a .creds file" },
  NATSTATE_INBOX_PREFIX: {
    schema: z.string().regex(/^[\w-]+(\.[\w-]+)*$/, "expected letters, digits, _ and -, such as _INBOX_processor"),
    fallback: "_INBOX",
    help: "what the subjects of NATS answers begin with; one per user, so that nobody can listen to others",
  },
  NATSTATE_TLS_CA: { schema: path, fallback: undefined, help: "PEM file: who signs the certificate of NATS" },
  NATSTATE_TLS_CERT: { schema: path, fallback: undefined, help: "PEM file: our certificate, if NATS asks for one" },
  NATSTATE_TLS_KEY: { schema: path, fallback: undefined, help: "PEM file: its key" },
  NATSTATE_DATA: {
    schema: z
      .string()
      .min(1)
      .transform((path) => resolve(path)),
    fallback: "./data",
    help: "directory of the store and of the embedded server's streams",
  },
  NATSTATE_HTTP: {
    schema: listenAddress,
    fallback: "127.0.0.1:8484",
    help: "where the API listens; port 0 picks a free one, off disables it",
  },
  NATSTATE_HTTP_TOKEN: {
    schema: token,
    fallback: undefined,
    help: "asked for by what changes something, and by everything unless the API is on loopback; or NATSTATE_HTTP_TOKEN_FILE, a file that holds it",
    secret: "all",
  },
  NATSTATE_HTTP_HOSTS: {
    schema: hostNames,
    fallback: undefined,
    help: "further host names the API answers to, such as the one a scraper uses",
  },
  NATSTATE_NATS_PORT: {
    schema: integer(0, 65_535),
    fallback: "4222",
    help: "port of the embedded nats-server; 0 picks a free one",
  },
  NATSTATE_NATS_SERVER: { schema: z.string().min(1), fallback: undefined, help: "path of the nats-server to embed" },
  NATSTATE_NATS_RELEASES: {
    schema: mirrorUrl,
    fallback: undefined,
    help: "mirror of the official nats-server releases, https",
  },
  NATSTATE_CACHE: {
    schema: z.string().min(1),
    fallback: undefined,
    help: "where a fetched nats-server and compiled code are kept; default ~/.cache",
  },
  NATSTATE_PARTITIONS: {
    schema: integer(1, 1024),
    fallback: "16",
    help: "partitions; fixed when the stream is created",
  },
  NATSTATE_REPLICAS: { schema: integer(1, 5), fallback: "1", help: "replicas of each stream in a cluster" },
  NATSTATE_MAX_AGE: { schema: duration, fallback: "30d", help: "how long the streams keep messages" },
  NATSTATE_MAX_BYTES: {
    schema: integer(1_048_576, 1_125_899_906_842_624),
    fallback: undefined,
    help: "most bytes each stream may hold, for accounts that require a limit; a full stream refuses what is new. Unset: no limit",
  },
  NATSTATE_MAX_MESSAGE_BYTES: {
    schema: integer(1024, 8_388_608),
    fallback: "65536",
    help: "largest message the event stream accepts; the server's max_payload has to be 64 KiB more",
  },
  NATSTATE_MAX_EVENT_BYTES: {
    schema: integer(1024, 8_388_608),
    fallback: "65536",
    help: "largest event that is read; larger ones are dead-lettered as too_large",
  },
  NATSTATE_DENY_PURGE: { schema: flag, fallback: "false", help: "create streams that cannot be purged" },
  NATSTATE_MANAGE_STREAMS: {
    schema: flag,
    fallback: "true",
    help: "create missing streams and consumers, add the subjects of new actor types; false only checks",
  },
  NATSTATE_HOT_ACTORS: {
    schema: integer(4000, 10_000_000),
    fallback: "50000",
    help: "actors kept in memory at most",
  },
  NATSTATE_HOT_BYTES: {
    schema: integer(16_777_216, 1_099_511_627_776),
    fallback: "268435456",
    help: "bytes of memory for them at most, reckoned as 4 KiB each and twelve times the JSON of what it knows",
  },
  NATSTATE_BATCH_EVENTS: { schema: integer(1, 2000), fallback: "1000", help: "events of one commit at most" },
  NATSTATE_BATCH_BYTES: {
    schema: integer(65_536, 67_108_864),
    fallback: "4194304",
    help: "event bytes of one commit at most",
  },
  NATSTATE_PUBLISH_IN_FLIGHT: {
    schema: integer(1, 10_000),
    fallback: "512",
    help: "decisions on their way to the stream at once",
  },
  NATSTATE_SCRUB_INTERVAL: {
    schema: optionalDuration,
    fallback: "2s",
    help: "how often one actor at random is derived anew from the stream and compared with the store; off disables it",
  },
  NATSTATE_RETAIN: {
    schema: optionalDuration,
    fallback: "off",
    help: "how long after its last event, in stream time, a decided order keeps its rows, such as 90d; off: for ever",
  },
  NATSTATE_LOG_LEVEL: {
    schema: z.enum(["trace", "debug", "info", "warn", "error", "silent"]),
    fallback: "info",
    help: "trace, debug, info, warn, error or silent",
  },
  NATSTATE_LOG_DECISIONS: {
    schema: z.enum(["debug", "info"]),
    fallback: "debug",
    help: "level at which each decision has a line, debug or info; 5,000 a second are 1 MiB/s of log",
  },
  NATSTATE_LOG_FORMAT: {
    schema: z.enum(["auto", "json", "pretty"]),
    fallback: "auto",
    help: "json, pretty, or auto: pretty on a terminal",
  },
} satisfies Record<string, Setting>;

const schema = z.object({
  NATS_URL: settings.NATS_URL.schema.optional(),
  NATS_CREDS: settings.NATS_CREDS.schema.optional(),
  NATSTATE_INBOX_PREFIX: settings.NATSTATE_INBOX_PREFIX.schema,
  NATSTATE_TLS_CA: settings.NATSTATE_TLS_CA.schema.optional(),
  NATSTATE_TLS_CERT: settings.NATSTATE_TLS_CERT.schema.optional(),
  NATSTATE_TLS_KEY: settings.NATSTATE_TLS_KEY.schema.optional(),
  NATSTATE_DATA: settings.NATSTATE_DATA.schema,
  NATSTATE_HTTP: settings.NATSTATE_HTTP.schema,
  NATSTATE_HTTP_TOKEN: settings.NATSTATE_HTTP_TOKEN.schema.optional(),
  NATSTATE_HTTP_HOSTS: settings.NATSTATE_HTTP_HOSTS.schema.optional(),
  NATSTATE_NATS_PORT: settings.NATSTATE_NATS_PORT.schema,
  NATSTATE_NATS_SERVER: settings.NATSTATE_NATS_SERVER.schema.optional(),
  NATSTATE_NATS_RELEASES: settings.NATSTATE_NATS_RELEASES.schema.optional(),
  NATSTATE_CACHE: settings.NATSTATE_CACHE.schema.optional(),
  NATSTATE_PARTITIONS: settings.NATSTATE_PARTITIONS.schema,
  NATSTATE_REPLICAS: settings.NATSTATE_REPLICAS.schema,
  NATSTATE_MAX_AGE: settings.NATSTATE_MAX_AGE.schema,
  NATSTATE_MAX_BYTES: settings.NATSTATE_MAX_BYTES.schema.optional(),
  NATSTATE_MAX_MESSAGE_BYTES: settings.NATSTATE_MAX_MESSAGE_BYTES.schema,
  NATSTATE_MAX_EVENT_BYTES: settings.NATSTATE_MAX_EVENT_BYTES.schema,
  NATSTATE_DENY_PURGE: settings.NATSTATE_DENY_PURGE.schema,
  NATSTATE_MANAGE_STREAMS: settings.NATSTATE_MANAGE_STREAMS.schema,
  NATSTATE_HOT_ACTORS: settings.NATSTATE_HOT_ACTORS.schema,
  NATSTATE_HOT_BYTES: settings.NATSTATE_HOT_BYTES.schema,
  NATSTATE_BATCH_EVENTS: settings.NATSTATE_BATCH_EVENTS.schema,
  NATSTATE_BATCH_BYTES: settings.NATSTATE_BATCH_BYTES.schema,
  NATSTATE_PUBLISH_IN_FLIGHT: settings.NATSTATE_PUBLISH_IN_FLIGHT.schema,
  NATSTATE_SCRUB_INTERVAL: settings.NATSTATE_SCRUB_INTERVAL.schema,
  NATSTATE_RETAIN: settings.NATSTATE_RETAIN.schema,
  NATSTATE_LOG_LEVEL: settings.NATSTATE_LOG_LEVEL.schema,
  NATSTATE_LOG_DECISIONS: settings.NATSTATE_LOG_DECISIONS.schema,
  NATSTATE_LOG_FORMAT: settings.NATSTATE_LOG_FORMAT.schema,
});

/** No setting: with NODE_ENV=test a daemon ends itself at the moment it names, see `cli/crash-point.ts`. */
export const CRASH_VARIABLE = "NATSTATE_TEST_CRASH";

/**
 * Reads the configuration from the environment. Opens nothing.
 *
 * @throws ConfigError with all problems at once, unknown `NATSTATE_` names (often misspelt) included.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given: Record<string, string> = {};
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    const value = readGiven(env, name).text ?? setting.fallback;
    if (value !== undefined) given[name] = value;
  }
  const problems = [...unknownVariables(env), ...doubles(env)];
  const parsed = schema.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    const shown = (settings as Record<string, Setting>)[name]?.secret ? "***" : JSON.stringify(given[name]);
    problems.push(`${name}: ${issue.message}, got ${shown}`);
  }
  const paths = unusablePaths({ ...filesOf(env), ...given });
  problems.push(...paths);
  if (parsed.success && paths.length === 0) problems.push(...contradictions(parsed.data));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return parsed.data;
}

function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = [...Object.keys(settings), ...SECRETS.map(fileVariable), ...injectedVariables(env)];
  return Object.keys(env)
    .filter((name) => name.startsWith("NATSTATE_") && !known.includes(name))
    .filter((name) => name !== CRASH_VARIABLE || env.NODE_ENV !== "test")
    .map((name) => `${name}: there is no such setting`);
}

function filesOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = SECRETS.map((name) => `${name}_FILE`);
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

function doubles(env: NodeJS.ProcessEnv): string[] {
  return SECRETS.filter((name) => env[name] && env[`${name}_FILE`]).map(
    (name) => `${name}, ${name}_FILE: expected one of them`,
  );
}

/** What each setting allows for itself, but not together with the others. */
function contradictions(config: Config): string[] {
  const { NATSTATE_HTTP: http, NATSTATE_HTTP_TOKEN, NATSTATE_TLS_CERT, NATSTATE_TLS_KEY } = config;
  const problems: string[] = [];
  if (http !== null && !isLoopback(http.host) && NATSTATE_HTTP_TOKEN === undefined) {
    problems.push(
      `NATSTATE_HTTP: ${http.host} can be reached by others, so NATSTATE_HTTP_TOKEN has to be set (openssl rand -hex 32); or listen on 127.0.0.1`,
    );
  }
  if ((NATSTATE_TLS_CERT === undefined) !== (NATSTATE_TLS_KEY === undefined)) {
    problems.push("NATSTATE_TLS_CERT, NATSTATE_TLS_KEY: expected both or neither");
  }
  return problems;
}

/** How NATS is accessed, beside NATS_URL. */
export function natsAccess(config: Config) {
  const { NATS_CREDS: creds, NATSTATE_INBOX_PREFIX: inboxPrefix } = config;
  const { NATSTATE_TLS_CA: ca, NATSTATE_TLS_CERT: cert, NATSTATE_TLS_KEY: key } = config;
  const tls = ca === undefined && cert === undefined ? undefined : { ca, cert, key };
  return { creds, inboxPrefix, tls };
}

/** The effective configuration for a person to read: every setting, its value as text, secrets masked. */
export function describeConfig(env: NodeJS.ProcessEnv): { name: string; value: string; source: Given["source"] }[] {
  return Object.entries<Setting>(settings).map(([name, setting]) => {
    const { text, source } = readGiven(env, name);
    const value = text ?? setting.fallback ?? "";
    const shown =
      setting.secret === undefined || value === "" ? value : setting.secret === "all" ? "***" : maskUrl(value);
    return { name, value: shown, source };
  });
}
