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
  events: counter(
    "natstate_events_total",
    ["actor", "event_type", "outcome"],
    "Deliveries by what became of them: applied, superseded (merge types), reordered (it happened before others that were heard), unhandled (no transition takes it), held (its actor's events cannot be folded), tick (of event type TimePassed), ignored (a tick before its time or about nobody), duplicate, conflict (other content under an id heard before), parked (its actor is in quarantine, retired or behind), or skipped because they were committed before.",
  ),
  processed: counter(
    "natstate_events_processed_total",
    ["event_type", "success"],
    "Events that entered an actor's history (success true) or were dead-lettered (false); duplicates count once.",
  ),
  completeness: histogram(
    "natstate_completeness_percent",
    [],
    [0, 20, 40, 60, 80, 100],
    "Known share of an actor's facets, observed once per commit and actor it touched.",
  ),
  decisions: counter(
    "natstate_decisions_total",
    ["actor", "decision_type", "revised"],
    "Decisions recorded; revised is true from the second revision on.",
  ),
  decisionsPublished: counter(
    "natstate_decisions_published_total",
    ["actor", "decision_type", "revised"],
    "Decisions that their stream has acknowledged.",
  ),
  deadLetters: counter(
    "natstate_dead_letters_total",
    ["actor", "reason"],
    "Deliveries that can never succeed, by reason.",
  ),
  deadLettersPublished: counter(
    "natstate_dead_letters_published_total",
    ["actor", "reason"],
    "Dead letters that their stream has acknowledged.",
  ),
  ticksPublished: counter(
    "natstate_ticks_published_total",
    ["actor"],
    "Ticks that their stream has acknowledged: a delay of an actor has ended. Those that were heard are in natstate_events_total as outcome tick.",
  ),
  lateness: histogram(
    "natstate_event_lateness_seconds",
    ["actor"],
    LATENESS_S,
    "From an event's own time to its storing in the stream; duplicates are left out.",
  ),
  commitDelay: histogram(
    "natstate_commit_delay_seconds",
    ["actor"],
    DELAY_S,
    "From the storing of a message in the stream to the commit of its effects.",
  ),
  publishDelay: histogram(
    "natstate_publish_delay_seconds",
    ["actor", "kind"],
    DELAY_S,
    "From the storing of the causing message to the acknowledged decision or dead letter.",
  ),
  commit: histogram("natstate_commit_seconds", [], COMMIT_S, "Time one batch took, from decoding to commit."),
  batch: histogram("natstate_batch_deliveries", [], BATCH_SIZES, "Deliveries of one committed batch."),
  commitFailures: counter(
    "natstate_commit_failures_total",
    [],
    "Batches that could not be committed and were tried again.",
  ),
  doubts: counter(
    "natstate_lane_doubts_total",
    ["reason"],
    "Times a partition was read again from its checkpoint, by reason.",
  ),
  rebuilt: counter(
    "natstate_actors_rebuilt_total",
    ["actor"],
    "Actors rebuilt from their events because the stored snapshot was unusable.",
  ),
  scrubbed: counter(
    "natstate_scrub_actors_total",
    ["actor"],
    "Actors derived anew from the stream and compared with the store, one at random every NATSTATE_SCRUB_INTERVAL.",
  ),
  drifted: counter(
    "natstate_scrub_drift_total",
    ["actor"],
    "Of these, how many were not what the stream gives: natstate verify says more.",
  ),
  diverged: counter(
    "natstate_scrub_diverged_total",
    ["actor"],
    "Of these, how many came to something else when their own events arrived in another order: natstate prove --id says how.",
  ),
  retirements: counter(
    "natstate_retirements_total",
    ["actor"],
    "Settled actors whose rows were given up after NATSTATE_RETAIN.",
  ),
  restorations: counter(
    "natstate_restorations_total",
    ["actor", "restored"],
    "Retired actors that a late event asked for: brought back from the streams (restored true), or not because these no longer hold enough (false).",
  ),
  ready: gauge("natstate_ready", [], "1 while /readyz says so, else 0: its answer says which check is not well."),
  undecided: gauge(
    "natstate_oldest_undecided_seconds",
    ["actor"],
    "Since when the actor is known that waits for a decision for longest; 0 when none does.",
  ),
  quarantined: gauge(
    "natstate_quarantined_actors",
    ["actor"],
    "Actors whose machine failed on an event; see natstate quarantine.",
  ),
  retired: gauge("natstate_retired_actors", ["actor"], "Actors of which only is kept that they are retired."),
  ticksOnTheirWay: gauge(
    "natstate_ticks_on_their_way",
    ["actor"],
    "Actors that were sent a tick and have not heard it yet.",
  ),
  ticksOverdue: gauge(
    "natstate_tick_overdue_seconds",
    ["actor"],
    "Since when the delay that has ended first, its grace included, waits for its tick to be heard; 0 when none does.",
  ),
  lag: gauge(
    "natstate_partition_lag_messages",
    ["actor", "partition"],
    "Messages of an assigned partition that are stored and not yet applied; absent while it is not known.",
  ),
  owned: gauge("natstate_partitions_owned", [], "Partitions this daemon reads; 0 while JetStream does not answer."),
  partitions: gauge(
    "natstate_partitions",
    [],
    "Partitions there are, of all actor types: what the daemons read together has to be as many.",
  ),
  hot: gauge("natstate_hot_actors", [], "Actors kept in memory."),
  backlog: gauge("natstate_publish_backlog", [], "Decisions and dead letters waiting to be published or on their way."),
  connected: gauge("natstate_nats_connected", [], "1 while connected to NATS, else 0."),
  paused: gauge("natstate_paused_seconds", [], "How long nothing could be committed; 0 while all is well."),
} as const satisfies Record<string, MetricDescription | HistogramDescription>;

function counter(name: string, labels: readonly string[], help: string) {
  return { name, type: "counter", help, labels } as const;
}

function gauge(name: string, labels: readonly string[], help: string) {
  return { name, type: "gauge", help, labels } as const;
}

function histogram(name: string, labels: readonly string[], buckets: readonly number[], help: string) {
  return { name, type: "histogram", help, labels, buckets } as const;
}
