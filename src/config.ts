import { resolve } from "node:path";
import { z } from "zod";

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

const flag = z.enum(["true", "false"], "expected true or false").transform((value) => value === "true");

const integer = (least: number, most: number) =>
  z
    .string()
    .regex(/^-?\d+$/, `expected a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `expected a whole number from ${least} to ${most}`);

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, "expected a duration such as 500ms, 30s, 15m, 12h or 30d")
  .transform((value) => {
    const unit = value.replace(/^\d+/, "") as keyof typeof UNITS_MS;
    return Number.parseInt(value, 10) * UNITS_MS[unit];
  });

const listenAddress = z
  .string()
  .regex(/^(off|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5})$/, "expected host:port such as 127.0.0.1:8484, or off")
  .transform((value) => {
    if (value === "off") return null;
    const at = value.lastIndexOf(":");
    return { host: value.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(value.slice(at + 1)) };
  })
  .refine((value) => value === null || value.port <= 65_535, "expected a port up to 65535");

const natsUrl = z
  .string()
  .regex(
    /^((nats|tls|ws|wss):\/\/)?[^\s,/]+(,\s*((nats|tls|ws|wss):\/\/)?[^\s,/]+)*$/,
    "expected nats://host:port, several separated by commas",
  );

interface Setting {
  readonly schema: z.ZodType;
  readonly fallback: string | undefined;
  readonly help: string;
  readonly secret?: boolean;
}

/** Every setting: its schema, its default as one would write it, and what it does. The README's table is held against it. */
export const settings = {
  NATS_URL: {
    schema: natsUrl,
    fallback: undefined,
    help: "NATS servers to use. Unset: an embedded nats-server on loopback",
    secret: true,
  },
  NATS_CREDS: { schema: z.string().min(1), fallback: undefined, help: "path of a .creds file" },
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
  NATSTATE_NATS_PORT: {
    schema: integer(0, 65_535),
    fallback: "4222",
    help: "port of the embedded nats-server; 0 picks a free one",
  },
  NATSTATE_NATS_SERVER: { schema: z.string().min(1), fallback: undefined, help: "path of the nats-server to embed" },
  NATSTATE_NATS_RELEASES: {
    schema: z.string().min(1),
    fallback: undefined,
    help: "mirror of the official nats-server releases",
  },
  NATSTATE_CACHE: {
    schema: z.string().min(1),
    fallback: undefined,
    help: "where a fetched nats-server is kept; default ~/.cache",
  },
  NATSTATE_PARTITIONS: {
    schema: integer(1, 1024),
    fallback: "16",
    help: "partitions; fixed when the stream is created",
  },
  NATSTATE_REPLICAS: { schema: integer(1, 5), fallback: "1", help: "replicas of each stream in a cluster" },
  NATSTATE_MAX_AGE: { schema: duration, fallback: "30d", help: "how long the streams keep messages" },
  NATSTATE_MAX_MESSAGE_BYTES: {
    schema: integer(1024, 8_388_608),
    fallback: "65536",
    help: "largest message the event stream accepts",
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
    help: "create missing streams and consumers; false only checks them",
  },
  NATSTATE_HOT_ACTORS: {
    schema: integer(4000, 10_000_000),
    fallback: "50000",
    help: "actors kept in memory, about 6 KiB each",
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
  NATSTATE_LOG_LEVEL: {
    schema: z.enum(["trace", "debug", "info", "warn", "error", "silent"]),
    fallback: "info",
    help: "trace, debug, info, warn, error or silent",
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
  NATSTATE_DATA: settings.NATSTATE_DATA.schema,
  NATSTATE_HTTP: settings.NATSTATE_HTTP.schema,
  NATSTATE_NATS_PORT: settings.NATSTATE_NATS_PORT.schema,
  NATSTATE_NATS_SERVER: settings.NATSTATE_NATS_SERVER.schema.optional(),
  NATSTATE_NATS_RELEASES: settings.NATSTATE_NATS_RELEASES.schema.optional(),
  NATSTATE_CACHE: settings.NATSTATE_CACHE.schema.optional(),
  NATSTATE_PARTITIONS: settings.NATSTATE_PARTITIONS.schema,
  NATSTATE_REPLICAS: settings.NATSTATE_REPLICAS.schema,
  NATSTATE_MAX_AGE: settings.NATSTATE_MAX_AGE.schema,
  NATSTATE_MAX_MESSAGE_BYTES: settings.NATSTATE_MAX_MESSAGE_BYTES.schema,
  NATSTATE_MAX_EVENT_BYTES: settings.NATSTATE_MAX_EVENT_BYTES.schema,
  NATSTATE_DENY_PURGE: settings.NATSTATE_DENY_PURGE.schema,
  NATSTATE_MANAGE_STREAMS: settings.NATSTATE_MANAGE_STREAMS.schema,
  NATSTATE_HOT_ACTORS: settings.NATSTATE_HOT_ACTORS.schema,
  NATSTATE_BATCH_EVENTS: settings.NATSTATE_BATCH_EVENTS.schema,
  NATSTATE_BATCH_BYTES: settings.NATSTATE_BATCH_BYTES.schema,
  NATSTATE_PUBLISH_IN_FLIGHT: settings.NATSTATE_PUBLISH_IN_FLIGHT.schema,
  NATSTATE_LOG_LEVEL: settings.NATSTATE_LOG_LEVEL.schema,
  NATSTATE_LOG_FORMAT: settings.NATSTATE_LOG_FORMAT.schema,
});

/**
 * Reads the configuration from the environment. Opens nothing.
 *
 * @throws ConfigError with all problems at once, unknown `NATSTATE_` names (often misspelt) included.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given: Record<string, string> = {};
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    const value = env[name] === "" || env[name] === undefined ? setting.fallback : env[name];
    if (value !== undefined) given[name] = value;
  }
  const problems = Object.keys(env)
    .filter((name) => name.startsWith("NATSTATE_") && !Object.hasOwn(settings, name))
    .map((name) => `${name}: there is no such setting`);
  const parsed = schema.safeParse(given);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    const shown = (settings as Record<string, Setting>)[name]?.secret ? "***" : JSON.stringify(given[name]);
    problems.push(`${name}: ${issue.message}, got ${shown}`);
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return parsed.data;
}

/** The effective configuration for a person to read: every setting, its value as text, secrets masked. */
export function describeConfig(env: NodeJS.ProcessEnv): { name: string; value: string; source: "env" | "default" }[] {
  return Object.entries<Setting>(settings).map(([name, setting]) => {
    const value = env[name] || setting.fallback || "";
    return {
      name,
      value: setting.secret ? value.replace(/[^/,@]+(:[^/,@]*)?@/g, "***@") : value,
      source: env[name] ? "env" : "default",
    };
  });
}
