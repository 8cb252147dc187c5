import type {
  DeadLetterRow,
  HeardEvent,
  LearntDecision,
  LedgerRow,
  ParkedRow,
  QuarantineRow,
  RetiredRow,
  StoredActor,
} from "../flow/rows.ts";

/** A table of the store: each field of its rows, and the column that keeps it. */
export interface Table<Row> {
  /**
   * What to select, each column by its field's name: `key, row_version AS rowVersion, …`.
   *
   * @param fields - absent: all of them.
   * @param alias - the table's, in a join.
   */
  select(fields?: readonly Field<Row>[], alias?: string): string;
  /** Where rows of these fields go; absent: of all. Each of `further` is a column, and the SQL of its value. */
  insert<Inserted extends Field<Row> = Field<Row>>(
    fields?: readonly Inserted[],
    further?: Readonly<Record<string, string>>,
  ): Insert<Pick<Row, Inserted>>;
  /** All fields but these. */
  without<Left extends Field<Row>>(...left: readonly Left[]): Exclude<Field<Row>, Left>[];
  /** For an upsert: `payload = excluded.payload, …`. */
  excluded(fields: readonly Field<Row>[]): string;
}

/** Values are bound by their order: by name, each row would cost 1 us more. */
export interface Insert<Row> {
  /** `INTO actors (key, …) VALUES (?, …)`. */
  readonly into: string;
  valuesOf(row: Row): unknown[];
}

type Field<Row> = keyof Row & string;

function table<Row>(name: string, columns: Readonly<Record<Field<Row>, string>>): Table<Row> {
  const all = Object.keys(columns) as Field<Row>[];
  return {
    select: (fields = all, alias = "") =>
      fields.map((field) => `${alias && `${alias}.`}${columns[field]} AS ${field}`).join(", "),
    insert(fields = all as never, further = {}) {
      const names = [...fields.map((field) => columns[field]), ...Object.keys(further)];
      const values = [...fields.map(() => "?"), ...Object.values(further)];
      return {
        into: `INTO ${name} (${names.join(", ")}) VALUES (${values.join(", ")})`,
        valuesOf: (row) => fields.map((field) => row[field]),
      };
    },
    without: (...left) => all.filter((field) => !left.some((name) => name === field)) as never,
    excluded: (fields) => fields.map((field) => `${columns[field]} = excluded.${columns[field]}`).join(", "),
  };
}

export const ACTORS = table<StoredActor>("actors", {
  key: "key",
  type: "type",
  id: "id",
  partition: "partition",
  rowVersion: "row_version",
  machineVersion: "machine_version",
  state: "state",
  completeness: "completeness",
  events: "events",
  revision: "revision",
  decisionType: "decision_type",
  standing: "standing",
  firstSeenAtMs: "first_seen_ms",
  updatedAtMs: "updated_ms",
  due: "due",
  checksum: "checksum",
  snapshot: "snapshot",
  heard: "heard",
});

export const EVENTS = table<HeardEvent>("events", {
  actorKey: "actor_key",
  eventId: "event_id",
  type: "type",
  timestamp: "timestamp",
  storedAtMs: "stored_ms",
  sequence: "sequence",
  correlationId: "correlation_id",
  body: "body",
  outcome: "outcome",
  replayed: "replayed",
  duplicates: "duplicates",
  conflicts: "conflicts",
});

/** What an actor is rebuilt from. */
export const EVENT_FIELDS = EVENTS.without("outcome", "replayed", "duplicates", "conflicts");

/** A decision, and whether it is published. */
export interface LedgerEntry extends LedgerRow {
  /** In DECISIONS; null until then, 0 when it is gone from there. */
  readonly published: number | null;
}

export const DECISIONS = table<LedgerEntry>("decisions", {
  actorKey: "actor_key",
  revision: "revision",
  type: "type",
  actorId: "actor_id",
  partition: "partition",
  decisionType: "decision_type",
  payload: "payload",
  traceparent: "traceparent",
  causedAtMs: "caused_ms",
  published: "published",
});

/** A decision the stream holds, of an actor that has not come to it yet. */
export interface LearntRow extends LearntDecision {
  readonly type: string;
  readonly actorId: string;
  readonly partition: number;
}

export const LEARNT = table<LearntRow>("imported_decisions", {
  type: "type",
  actorId: "actor_id",
  revision: "revision",
  partition: "partition",
  sequence: "sequence",
  payload: "payload",
  pastTo: "past_to",
});

export const DEAD_LETTERS = table<DeadLetterRow & { readonly published: number | null }>("dead_letters", {
  stream: "stream",
  sequence: "sequence",
  former: "former",
  type: "type",
  partition: "partition",
  reason: "reason",
  error: "error",
  subject: "subject",
  storedAtMs: "stored_ms",
  headers: "headers",
  body: "body",
  published: "published",
});

export const RETIRED = table<RetiredRow>("retired", {
  type: "type",
  actorId: "actor_id",
  partition: "partition",
  sequence: "sequence",
  events: "events",
  digest: "digest",
  revision: "revision",
  updatedAtMs: "updated_ms",
  retiredAtMs: "retired_ms",
  status: "status",
});

export const PARKED = table<ParkedRow>("parked", {
  type: "type",
  actorId: "actor_id",
  sequence: "sequence",
  subject: "subject",
  storedAtMs: "stored_ms",
  headers: "headers",
  body: "body",
});

export const QUARANTINE = table<QuarantineRow>("quarantine", {
  type: "type",
  actorId: "actor_id",
  partition: "partition",
  eventType: "event_type",
  error: "error",
  sinceMs: "since_ms",
});
