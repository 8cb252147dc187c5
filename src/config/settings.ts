import { resolve } from "node:path";
import { z } from "zod";
import { fileVariable } from "./environment.ts";
import {
  daemonCount,
  duration,
  flag,
  hostNames,
  integer,
  listenAddress,
  mirrorUrl,
  natsUrl,
  optionalDuration,
  path,
  token,
} from "./values.ts";

/** A variable of the environment. */
export interface Setting {
  readonly schema: z.ZodType;
  /** Its default as one would write it; absent: it is not set. */
  readonly fallback?: string;
  /** What it does. */
  readonly help: string;
  /** What of its value is shown to nobody. It may be in a file, see {@link fileVariable}. */
  readonly secret?: "userinfo" | "all";
  /** It names a file that is read. */
  readonly isFile?: true;
}

/** The least that a daemon can be given of what it keeps in memory. */
export const LEAST_HOT = { NATSTATE_HOT_ACTORS: 4000, NATSTATE_HOT_BYTES: 16_777_216 } as const;

/** Every setting. What `readConfig` gives, `natstate config` and the table of the docs follow from it. */
export const settings = {
  NATS_URL: {
    schema: natsUrl,
    help: "NATS servers to use, or NATS_URL_FILE. Unset: an embedded nats-server on loopback",
    secret: "userinfo",
  },
  NATS_CREDS: { schema: path, isFile: true, help: "path of a .creds file" },
  NATSTATE_INBOX_PREFIX: {
    schema: z.string().regex(/^[\w-]+(\.[\w-]+)*$/, "expected letters, digits, _ and -, such as _INBOX_processor"),
    fallback: "_INBOX",
    help: "what the subjects of NATS answers begin with; one per user, so that nobody can listen to others",
  },
  NATSTATE_TLS_CA: { schema: path, isFile: true, help: "PEM file: who signs the certificate of NATS" },
  NATSTATE_TLS_CERT: { schema: path, isFile: true, help: "PEM file: our certificate, if NATS asks for one" },
  NATSTATE_TLS_KEY: { schema: path, isFile: true, help: "PEM file: its key" },
  NATSTATE_DATA: {
    schema: z
      .string()
      .min(1)
      .transform((path) => resolve(path)),
    fallback: "./data",
    help: "directory of the store and of the embedded server's streams",
  },
  NATSTATE_DAEMONS: {
    schema: daemonCount,
    fallback: "1",
    help: "daemons that `natstate start` runs on this machine, a process each, or auto: one for each core. `--daemons` goes before it",
  },
  NATSTATE_HTTP: {
    schema: listenAddress,
    fallback: "127.0.0.1:8484",
    help: "where the API listens; port 0 picks a free one, off disables it",
  },
  NATSTATE_HTTP_TOKEN: {
    schema: token,
    help: "asked for by what changes something, and by everything unless the API is on loopback; or NATSTATE_HTTP_TOKEN_FILE, a file that holds it",
    secret: "all",
  },
  NATSTATE_HTTP_HOSTS: {
    schema: hostNames,
    help: "further host names the API answers to, such as the one a scraper uses",
  },
  NATSTATE_NATS_PORT: {
    schema: integer(0, 65_535),
    fallback: "4222",
    help: "port of the embedded nats-server; 0 picks a free one",
  },
  NATSTATE_NATS_SERVER: { schema: z.string().min(1), help: "path of the nats-server to embed" },
  NATSTATE_NATS_RELEASES: {
    schema: mirrorUrl,
    help: "mirror of the official nats-server releases, https",
  },
  NATSTATE_CACHE: {
    schema: z.string().min(1),
    help: "where a fetched nats-server and compiled code are kept; default ~/.cache",
  },
  NATSTATE_ACTORS: {
    schema: path,
    isFile: true,
    help: "file with the actor types, its default export an array of them; unset: `machines/registry.ts` or `.js` of the working directory, else the order. `--actors` goes before it",
  },
  NATSTATE_PARTITIONS: {
    schema: integer(1, 1024),
    fallback: "16",
    help: "partitions; fixed when the stream is created",
  },
  NATSTATE_STANDBYS: {
    schema: integer(0, 7),
    fallback: "0",
    help: "other daemons that read each partition along, to take it over at once; as far as there are any",
  },
  NATSTATE_REPLICAS: { schema: integer(1, 5), fallback: "1", help: "replicas of each stream in a cluster" },
  NATSTATE_MAX_AGE: { schema: duration, fallback: "30d", help: "how long the streams keep messages" },
  NATSTATE_MAX_BYTES: {
    schema: integer(1_048_576, 1_125_899_906_842_624),
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
    schema: integer(LEAST_HOT.NATSTATE_HOT_ACTORS, 10_000_000),
    fallback: "4000",
    help: "actors a daemon keeps in memory at most; the others are read from their rows",
  },
  NATSTATE_HOT_BYTES: {
    schema: integer(LEAST_HOT.NATSTATE_HOT_BYTES, 1_099_511_627_776),
    fallback: "268435456",
    help: "bytes of memory for them at most; the daemons of one `natstate start` share the default; reckoned as 4 KiB each and twelve times the JSON of what it knows",
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
  NATSTATE_TICKS_PER_SECOND: {
    schema: integer(1, 100_000),
    fallback: "500",
    help: "ticks of this daemon a second at most: so fast delays that have ended during an outage act after it, the oldest first",
  },
  NATSTATE_SCRUB_INTERVAL: {
    schema: optionalDuration,
    fallback: "2s",
    help: "how often one actor at random is derived anew from the stream and compared with the store; off disables it",
  },
  NATSTATE_RETAIN: {
    schema: optionalDuration,
    fallback: "off",
    help: "how long after its last event, in stream time, a decided actor keeps its rows, such as 90d; off: for ever",
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

/** The names of all secrets. */
export function secrets(): string[] {
  return namesOf(({ secret }) => secret !== undefined);
}

/** The variables that name a file which is read. */
export function fileVariables(): string[] {
  return [...namesOf(({ isFile }) => isFile === true), ...secrets().map(fileVariable)];
}

function namesOf(which: (setting: Setting) => boolean): string[] {
  return Object.entries<Setting>(settings).flatMap(([name, setting]) => (which(setting) ? [name] : []));
}
