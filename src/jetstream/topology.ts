import { isDeepStrictEqual } from "node:util";
import {
  type ConsumerConfig,
  JetStreamApiCodes,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import type { ActorType } from "../../machines/actor-type.ts";
import type { Lane } from "../flow/ports.ts";
import { apiErrorCode, NatsSetupError } from "./connect.ts";
import { consumerName, DEAD_LETTERS_STREAM, DECISIONS_STREAM, eventStream, OWNER_GROUP } from "./names.ts";

/** What the streams are created with, and checked against. */
export interface TopologyOptions {
  readonly partitions: number;
  readonly replicas: number;
  readonly maxAgeMs: number;
  /** Largest event message the stream accepts, bytes. */
  readonly maxMessageBytes: number;
  readonly denyPurge: boolean;
  /** False: check only, create nothing. */
  readonly manage: boolean;
}

/** An event stream as found. */
export interface StreamIdentity {
  readonly name: string;
  /** RFC 3339; a recreated stream has another. */
  readonly created: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** How long a pinned owner may be silent before another takes its place. Longer than two pull requests of 2 s. */
const PIN_TIMEOUT_MS = 5000;
const ACK_WAIT_MS = 30_000;
/** Deliveries of one partition that may wait for their commit: the bound of what is in memory. */
const MAX_ACK_PENDING = 2000;

type Wanted = Partial<StreamConfig> & { readonly name: string };

/**
 * Creates the streams that are missing and checks those that exist.
 *
 * @returns the event stream of each type, in the order of `types`.
 * @throws NatsSetupError when a stream differs from what is configured; nothing is ever changed silently.
 */
export async function ensureStreams(
  jsm: JetStreamManager,
  types: readonly ActorType[],
  options: TopologyOptions,
): Promise<StreamIdentity[]> {
  for (const wanted of outboxes(types, options)) await ensureStream(jsm, wanted, options.manage);
  const found: StreamIdentity[] = [];
  for (const type of types) {
    const info = await ensureStream(jsm, events(type, options), options.manage);
    found.push({
      name: info.config.name,
      created: info.created,
      firstSequence: info.state.first_seq,
      lastSequence: info.state.last_seq,
    });
  }
  return found;
}

/** Creates the durable consumer of a lane, or checks the one that exists. */
export async function ensureConsumer(jsm: JetStreamManager, lane: Lane, manage: boolean): Promise<void> {
  const wanted = consumer(lane);
  try {
    const { config } = await jsm.consumers.info(lane.stream, wanted.durable_name);
    refuseDifferences(`consumer ${wanted.durable_name} of ${lane.stream}`, wanted, config);
  } catch (error) {
    if (apiErrorCode(error) !== JetStreamApiCodes.ConsumerNotFound) throw error;
    if (!manage) throw missing(`consumer ${wanted.durable_name} of stream ${lane.stream}`);
    await jsm.consumers.add(lane.stream, wanted);
  }
}

/** One stream or consumer, held against what is configured. */
export interface TopologyFinding {
  /** `stream ORDERS`, `consumer orders-3 of ORDERS`. */
  readonly what: string;
  readonly state: "as_configured" | "different" | "missing";
  /** What is different, a line each. */
  readonly differences: readonly string[];
}

/** Holds every stream and consumer against what is configured; creates and changes nothing. */
export async function checkTopology(
  jsm: JetStreamManager,
  types: readonly ActorType[],
  lanes: readonly Lane[],
  options: TopologyOptions,
): Promise<TopologyFinding[]> {
  const wanted = [...outboxes(types, options), ...types.map((type) => events(type, options))];
  const streams = wanted.map((stream) =>
    look(`stream ${stream.name}`, stream, async () => (await jsm.streams.info(stream.name)).config),
  );
  const consumers = lanes.map((lane) => {
    const config = consumer(lane);
    const name = config.durable_name;
    return look(`consumer ${name} of ${lane.stream}`, config, async () => {
      return (await jsm.consumers.info(lane.stream, name)).config;
    });
  });
  return Promise.all([...streams, ...consumers]);
}

async function look(what: string, wanted: object, find: () => Promise<object>): Promise<TopologyFinding> {
  try {
    const differences = differencesOf(wanted, await find());
    return { what, state: differences.length === 0 ? "as_configured" : "different", differences };
  } catch (error) {
    const code = apiErrorCode(error);
    const isMissing = code === JetStreamApiCodes.StreamNotFound || code === JetStreamApiCodes.ConsumerNotFound;
    if (!isMissing) throw error;
    return { what, state: "missing", differences: [] };
  }
}

function consumer(lane: Lane) {
  return {
    durable_name: consumerName(lane.type, lane.partition),
    filter_subject: `${lane.type.collection}.${lane.partition}.>`,
    ack_policy: "explicit" as const,
    deliver_policy: "all" as const,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: MAX_ACK_PENDING,
    max_deliver: -1,
    priority_groups: [OWNER_GROUP],
    priority_policy: "pinned_client" as const,
    priority_timeout: nanos(PIN_TIMEOUT_MS),
  } satisfies Partial<ConsumerConfig>;
}

function events(type: ActorType, options: TopologyOptions): Wanted {
  const { collection } = type;
  return {
    ...common(options),
    name: eventStream(type),
    subjects: [`${collection}.*.*`],
    subject_transform: {
      src: `${collection}.*.*`,
      dest: `${collection}.{{partition(${options.partitions},1)}}.{{wildcard(1)}}.{{wildcard(2)}}`,
    },
    max_msg_size: options.maxMessageBytes,
  };
}

function outboxes(types: readonly ActorType[], options: TopologyOptions): Wanted[] {
  return [
    outbox(DECISIONS_STREAM, "decisions", types, options),
    outbox(DEAD_LETTERS_STREAM, "deadletters", types, options),
  ];
}

function outbox(name: string, prefix: string, types: readonly ActorType[], options: TopologyOptions): Wanted {
  return { ...common(options), name, subjects: types.map((type) => `${prefix}.${type.collection}.*`) };
}

function common(options: TopologyOptions): Partial<StreamConfig> {
  return {
    storage: "file",
    retention: "limits",
    num_replicas: options.replicas,
    allow_direct: true,
    deny_delete: true,
    deny_purge: options.denyPurge,
    max_age: nanos(options.maxAgeMs),
  };
}

async function ensureStream(jsm: JetStreamManager, wanted: Wanted, manage: boolean): Promise<StreamInfo> {
  try {
    const info = await jsm.streams.info(wanted.name);
    refuseDifferences(`stream ${wanted.name}`, wanted, info.config);
    return info;
  } catch (error) {
    if (apiErrorCode(error) !== JetStreamApiCodes.StreamNotFound) throw error;
    if (!manage) throw missing(`stream ${wanted.name}`);
    const info = await jsm.streams.add(wanted);
    // An older server drops what it does not know without a word.
    refuseDifferences(`stream ${wanted.name}, as the server created it,`, wanted, info.config);
    return info;
  }
}

function missing(what: string): NatsSetupError {
  return new NatsSetupError(`${what} does not exist, and NATSTATE_MANAGE_STREAMS=false. Create it, or let natstate.`);
}

function refuseDifferences(what: string, wanted: object, found: object): void {
  const differences = differencesOf(wanted, found);
  if (differences.length === 0) return;
  throw new NatsSetupError(
    `${what} is not as configured: ${differences.join("; ")}. natstate does not change existing streams: set the NATSTATE_ setting to what is there, or edit it with the nats CLI. The number of partitions is fixed when a stream is created.`,
  );
}

/** Settings of ours that the server reports otherwise. */
function differencesOf(wanted: object, found: object): string[] {
  return Object.entries(wanted)
    .map(([name, value]) => ({ name, value, is: (found as Record<string, unknown>)[name] }))
    .filter(({ value, is }) => !isDeepStrictEqual(value, is))
    .map(({ name, value, is }) => `${name} is ${JSON.stringify(is)}, expected ${JSON.stringify(value)}`);
}
