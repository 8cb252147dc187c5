import type { ConsumerConfig, StreamConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import { consumerName, DEAD_LETTERS_STREAM, DECISIONS_STREAM, eventStream, OWNER_GROUP } from "../wire/names.ts";

/** What the streams are created with, and checked against. */
export interface TopologyOptions {
  readonly partitions: number;
  readonly replicas: number;
  readonly maxAgeMs: number;
  /** Largest event message the stream accepts, bytes. */
  readonly maxMessageBytes: number;
  /** Most bytes each stream may hold; undefined for no limit. A full one refuses what is new. */
  readonly maxBytes?: number | undefined;
  readonly denyPurge: boolean;
  /** False: check only, create nothing. */
  readonly manage: boolean;
}

/** How long a pinned owner may be silent before another takes its place. Longer than two pull requests of 2 s. */
const PIN_TIMEOUT_MS = 5000;
const ACK_WAIT_MS = 30_000;
/** Deliveries of one partition that may wait for their commit: the bound of what is in memory. */
const MAX_ACK_PENDING = 2000;

/** A stream as it is created, and as it is expected. */
export type WantedStream = Partial<StreamConfig> & { readonly name: string; readonly subjects: string[] };

/** What a dead letter may be larger than the message it was: its headers grow to 64 KiB at most. */
const DEAD_LETTER_GROWTH = 65_536;

/** Why dead letters of the largest messages would not get through the server; null when they do. */
export function payloadProblem(maxPayload: number, { maxMessageBytes }: TopologyOptions): string | null {
  const most = maxPayload - DEAD_LETTER_GROWTH;
  if (maxMessageBytes <= most) return null;
  return `a message of NATSTATE_MAX_MESSAGE_BYTES, ${maxMessageBytes}, could not be dead-lettered: the server's max_payload is ${maxPayload}, and a dead letter may need ${DEAD_LETTER_GROWTH} more. Set it to at most ${most}, or raise max_payload.`;
}

export function wantedConsumer(lane: Lane) {
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
    // What has to be absent: an update would keep it otherwise.
    filter_subjects: undefined,
    backoff: undefined,
    headers_only: false,
    max_batch: 0,
    max_expires: 0,
    max_bytes: 0,
    inactive_threshold: 0,
  } satisfies Partial<ConsumerConfig>;
}

function events(type: ActorType, options: TopologyOptions): WantedStream {
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

/** Every stream: DECISIONS, DEAD_LETTERS, then the event stream of each type in the order of `types`. */
export function wantedStreams(types: readonly ActorType[], options: TopologyOptions): WantedStream[] {
  return [
    outbox(DECISIONS_STREAM, "decisions", types, options),
    outbox(DEAD_LETTERS_STREAM, "deadletters", types, options),
    ...types.map((type) => events(type, options)),
  ];
}

function outbox(name: string, prefix: string, types: readonly ActorType[], options: TopologyOptions): WantedStream {
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
    // The server's default would throw away the oldest, which nobody could derive anything from again.
    ...(options.maxBytes === undefined ? {} : { max_bytes: options.maxBytes, discard: "new" as const }),
  };
}
