/** One metric as `/metrics` and the docs' table show it. */
export interface MetricDescription {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
}

/** A metric that counts observations by size. */
export interface HistogramDescription extends MetricDescription {
  readonly type: "histogram";
  /** Upper bounds, rising, in the metric's own unit; `+Inf` is added. */
  readonly buckets: readonly number[];
}

/** Up to the 30 days that the streams keep a message. */
const LATENESS_S = [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600, 21_600, 86_400, 259_200, 604_800, 2_592_000];
/** From one event at rest (milliseconds) to catching up after days of downtime. */
const DELAY_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600, 86_400];
const COMMIT_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/** Every metric of natstate's own. Label values come from the code and the contracts, never from what a publisher sent. */
export const METRICS = {
  events: {
    name: "natstate_events_total",
    type: "counter",
    help: "Deliveries by what became of them: applied, superseded (merge types), reordered (it happened before others that were heard), unhandled (no transition takes it), held (its actor's events cannot be folded), tick (of event type TimePassed), ignored (a tick before its time or about nobody), duplicate, conflict (other content under an id heard before), parked (its actor is in quarantine, retired or behind), or skipped because they were committed before.",
    labels: ["actor", "event_type", "outcome"],
  },
  processed: {
    name: "natstate_events_processed_total",
    type: "counter",
    help: "Events that entered an actor's history (success true) or were dead-lettered (false); duplicates count once.",
    labels: ["event_type", "success"],
  },
  completeness: {
    name: "natstate_completeness_percent",
    type: "histogram",
    help: "Known share of an actor's facets, observed once per commit and actor it touched.",
    labels: [],
    buckets: [0, 20, 40, 60, 80, 100],
  },
  decisions: {
    name: "natstate_decisions_total",
    type: "counter",
    help: "Decisions recorded; revised is true from the second revision on.",
    labels: ["actor", "decision_type", "revised"],
  },
  decisionsPublished: {
    name: "natstate_decisions_published_total",
    type: "counter",
    help: "Decisions that their stream has acknowledged.",
    labels: ["actor", "decision_type", "revised"],
  },
  deadLetters: {
    name: "natstate_dead_letters_total",
    type: "counter",
    help: "Deliveries that can never succeed, by reason.",
    labels: ["actor", "reason"],
  },
  deadLettersPublished: {
    name: "natstate_dead_letters_published_total",
    type: "counter",
    help: "Dead letters that their stream has acknowledged.",
    labels: ["actor", "reason"],
  },
  ticksPublished: {
    name: "natstate_ticks_published_total",
    type: "counter",
    help: "Ticks that their stream has acknowledged: a delay of an actor has ended. Those that were heard are in natstate_events_total as outcome tick.",
    labels: ["actor"],
  },
  lateness: {
    name: "natstate_event_lateness_seconds",
    type: "histogram",
    help: "From an event's own time to its storing in the stream; duplicates are left out.",
    labels: ["actor"],
    buckets: LATENESS_S,
  },
  commitDelay: {
    name: "natstate_commit_delay_seconds",
    type: "histogram",
    help: "From the storing of a message in the stream to the commit of its effects.",
    labels: ["actor"],
    buckets: DELAY_S,
  },
  publishDelay: {
    name: "natstate_publish_delay_seconds",
    type: "histogram",
    help: "From the storing of the causing message to the acknowledged decision or dead letter.",
    labels: ["actor", "kind"],
    buckets: DELAY_S,
  },
  commit: {
    name: "natstate_commit_seconds",
    type: "histogram",
    help: "Time one batch took, from decoding to commit.",
    labels: [],
    buckets: COMMIT_S,
  },
  batch: {
    name: "natstate_batch_deliveries",
    type: "histogram",
    help: "Deliveries of one committed batch.",
    labels: [],
    buckets: BATCH_SIZES,
  },
  commitFailures: {
    name: "natstate_commit_failures_total",
    type: "counter",
    help: "Batches that could not be committed and were tried again.",
    labels: [],
  },
  doubts: {
    name: "natstate_lane_doubts_total",
    type: "counter",
    help: "Times a partition was read again from its checkpoint, by reason.",
    labels: ["reason"],
  },
  rebuilt: {
    name: "natstate_actors_rebuilt_total",
    type: "counter",
    help: "Actors rebuilt from their events because the stored snapshot was unusable.",
    labels: ["actor"],
  },
  scrubbed: {
    name: "natstate_scrub_actors_total",
    type: "counter",
    help: "Actors derived anew from the stream and compared with the store, one at random every NATSTATE_SCRUB_INTERVAL.",
    labels: ["actor"],
  },
  drifted: {
    name: "natstate_scrub_drift_total",
    type: "counter",
    help: "Of these, how many were not what the stream gives: natstate verify says more.",
    labels: ["actor"],
  },
  diverged: {
    name: "natstate_scrub_diverged_total",
    type: "counter",
    help: "Of these, how many came to something else when their own events arrived in another order: natstate prove --id says how.",
    labels: ["actor"],
  },
  retirements: {
    name: "natstate_retirements_total",
    type: "counter",
    help: "Settled actors whose rows were given up after NATSTATE_RETAIN.",
    labels: ["actor"],
  },
  restorations: {
    name: "natstate_restorations_total",
    type: "counter",
    help: "Retired actors that a late event asked for: brought back from the streams (restored true), or not because these no longer hold enough (false).",
    labels: ["actor", "restored"],
  },
  ready: {
    name: "natstate_ready",
    type: "gauge",
    help: "1 while /readyz says so, else 0: its answer says which check is not well.",
    labels: [],
  },
  undecided: {
    name: "natstate_oldest_undecided_seconds",
    type: "gauge",
    help: "Since when the actor is known that waits for a decision for longest; 0 when none does.",
    labels: ["actor"],
  },
  quarantined: {
    name: "natstate_quarantined_actors",
    type: "gauge",
    help: "Actors whose machine failed on an event; see natstate quarantine.",
    labels: ["actor"],
  },
  retired: {
    name: "natstate_retired_actors",
    type: "gauge",
    help: "Actors of which only is kept that they are retired.",
    labels: ["actor"],
  },
  ticksOnTheirWay: {
    name: "natstate_ticks_on_their_way",
    type: "gauge",
    help: "Actors that were sent a tick and have not heard it yet.",
    labels: ["actor"],
  },
  ticksOverdue: {
    name: "natstate_tick_overdue_seconds",
    type: "gauge",
    help: "Since when the delay that has ended first, its grace included, waits for its tick to be heard; 0 when none does.",
    labels: ["actor"],
  },
  lag: {
    name: "natstate_partition_lag_messages",
    type: "gauge",
    help: "Messages of an assigned partition that are stored and not yet applied; absent while it is not known.",
    labels: ["actor", "partition"],
  },
  owned: {
    name: "natstate_partitions_owned",
    type: "gauge",
    help: "Partitions this daemon reads; 0 while JetStream does not answer.",
    labels: [],
  },
  partitions: {
    name: "natstate_partitions",
    type: "gauge",
    help: "Partitions there are, of all actor types: what the daemons read together has to be as many.",
    labels: [],
  },
  hot: { name: "natstate_hot_actors", type: "gauge", help: "Actors kept in memory.", labels: [] },
  backlog: {
    name: "natstate_publish_backlog",
    type: "gauge",
    help: "Decisions and dead letters waiting to be published or on their way.",
    labels: [],
  },
  connected: {
    name: "natstate_nats_connected",
    type: "gauge",
    help: "1 while connected to NATS, else 0.",
    labels: [],
  },
  paused: {
    name: "natstate_paused_seconds",
    type: "gauge",
    help: "How long nothing could be committed; 0 while all is well.",
    labels: [],
  },
} as const satisfies Record<string, MetricDescription | HistogramDescription>;
