/** Series as promtool writes them (`0x5` is six zeros, `_` no sample), a sample a minute, and what an alert makes of them. */
export interface AlertCase {
  readonly series: Readonly<Record<string, string>>;
  /** When is looked, such as `10m`. */
  readonly at: string;
}

export interface FiringCase extends AlertCase {
  /** The alert's labels, but for its severity. */
  readonly labels: Readonly<Record<string, string>>;
  /** Its summary, as a person reads it. */
  readonly says: string;
}

const ON_A = 'instance="a:8484",job="natstate"';
const ON_B = 'instance="b:8484",job="natstate"';
const A = { instance: "a:8484", job: "natstate" };

/** For each alert of docs/prometheus-alerts.yml, when it has to fire and when it must not. */
export const ALERT_CASES: Readonly<
  Record<string, { readonly fires: readonly FiringCase[]; readonly doesNot: readonly AlertCase[] }>
> = {
  NatstateDown: {
    fires: [
      {
        // Its own series are gone with it.
        series: { [`up{${ON_A}}`]: "1 1 0x10", [`natstate_ready{${ON_A}}`]: "1 1 _x10", [`up{${ON_B}}`]: "1x12" },
        at: "5m",
        labels: A,
        says: "the daemon on a:8484 does not answer",
      },
    ],
    doesNot: [
      { series: { [`up{${ON_A}}`]: "1x10", 'up{instance="c:80",job="shop"}': "0x10" }, at: "5m" },
      // One scrape that failed.
      { series: { [`up{${ON_A}}`]: "1 1 0 1 1 1" }, at: "5m" },
    ],
  },
  NatstateAbsent: {
    fires: [
      {
        series: { 'up{instance="c:80",job="shop"}': "1x10" },
        at: "6m",
        labels: {},
        says: "Prometheus knows of no natstate daemon at all",
      },
    ],
    doesNot: [{ series: { 'up{instance="a:8484",job="natstate-test"}': "0x10" }, at: "6m" }],
  },
  NatstateRestarts: {
    fires: [
      {
        series: { [`process_start_time_seconds{${ON_A}}`]: "100 160 160 280 340 400 400x10" },
        at: "10m",
        labels: A,
        says: "the daemon on a:8484 was started 4 times in half an hour",
      },
    ],
    doesNot: [{ series: { [`process_start_time_seconds{${ON_A}}`]: "100x5 400x10" }, at: "10m" }],
  },
  NatstateNotReady: {
    fires: [
      {
        series: { [`natstate_ready{${ON_A}}`]: "1 0x10" },
        at: "4m",
        labels: A,
        says: "natstate on a:8484 does not do its work",
      },
    ],
    doesNot: [{ series: { [`natstate_ready{${ON_A}}`]: "1 0 1x10", [`natstate_ready{${ON_B}}`]: "1x12" }, at: "4m" }],
  },
  NatstateNatsAway: {
    fires: [
      {
        series: { [`natstate_nats_connected{${ON_A}}`]: "1 0x10" },
        at: "3m",
        labels: A,
        says: "natstate on a:8484 has lost NATS; it reconnects by itself",
      },
    ],
    doesNot: [{ series: { [`natstate_nats_connected{${ON_A}}`]: "1x10" }, at: "3m" }],
  },
  NatstateCannotCommit: {
    fires: [
      {
        series: { [`natstate_paused_seconds{${ON_A}}`]: "0 30 90" },
        at: "2m",
        labels: A,
        says: "natstate on a:8484 cannot write its store",
      },
      {
        // It gets on between two failures, and fails again.
        series: {
          [`natstate_commit_failures_total{${ON_A}}`]: "0+1x20",
          [`natstate_paused_seconds{${ON_A}}`]: "0x20",
        },
        at: "15m",
        labels: A,
        says: "natstate on a:8484 cannot write its store",
      },
    ],
    doesNot: [
      {
        series: {
          [`natstate_paused_seconds{${ON_A}}`]: "0 30 0x20",
          [`natstate_commit_failures_total{${ON_A}}`]: "0 2x20",
        },
        at: "15m",
      },
    ],
  },
  NatstateLagGrows: {
    fires: [
      {
        series: {
          [`natstate_partition_lag_messages{actor="order",partition="0",${ON_A}}`]: "9000x30",
          [`natstate_partition_lag_messages{actor="order",partition="1",${ON_A}}`]: "9000x30",
        },
        at: "25m",
        labels: { instance: "a:8484", actor: "order" },
        says: "18000 order events wait, and they do not become fewer",
      },
    ],
    doesNot: [
      {
        series: { [`natstate_partition_lag_messages{actor="order",partition="0",${ON_A}}`]: "90000-100x30" },
        at: "25m",
      },
      { series: { [`natstate_partition_lag_messages{actor="order",partition="0",${ON_A}}`]: "500x30" }, at: "25m" },
    ],
  },
  NatstatePublishBacklog: {
    fires: [
      {
        series: { [`natstate_publish_backlog{${ON_A}}`]: "2000x30" },
        at: "25m",
        labels: A,
        says: "2000 decisions and dead letters wait to be published",
      },
    ],
    doesNot: [{ series: { [`natstate_publish_backlog{${ON_A}}`]: "9000-100x30" }, at: "25m" }],
  },
  NatstateTicksOverdue: {
    fires: [
      {
        series: { [`natstate_tick_overdue_seconds{${ON_A},actor="claim"}`]: "0 30 90+60x20" },
        at: "10m",
        labels: { ...A, actor: "claim" },
        says: "delays of claims ended 9m 30s ago on a:8484, and nothing has come of it",
      },
    ],
    // A few hundred that ended during an outage are done with in no time.
    doesNot: [
      { series: { [`natstate_tick_overdue_seconds{${ON_A},actor="claim"}`]: "0 600 300 100 0x20" }, at: "10m" },
    ],
  },
  NatstateOldestUndecided: {
    fires: [
      {
        series: { [`natstate_oldest_undecided_seconds{actor="order",${ON_A}}`]: "90000+60x30" },
        at: "20m",
        labels: { ...A, actor: "order" },
        says: "one order has waited for a decision for 1d 1h 20m 0s",
      },
    ],
    doesNot: [{ series: { [`natstate_oldest_undecided_seconds{actor="order",${ON_A}}`]: "3600+60x30" }, at: "20m" }],
  },
  NatstateDeadLetters: {
    fires: [
      {
        series: { [`natstate_dead_letters_total{actor="order",reason="malformed_json",${ON_A}}`]: "0x10 3x10" },
        at: "15m",
        labels: { instance: "a:8484", actor: "order", reason: "malformed_json" },
        says: "3 messages were dead-lettered as malformed_json",
      },
    ],
    doesNot: [
      { series: { [`natstate_dead_letters_total{actor="order",reason="malformed_json",${ON_A}}`]: "3x30" }, at: "20m" },
    ],
  },
  NatstateEventConflicts: {
    fires: [
      {
        series: {
          [`natstate_events_total{actor="order",event_type="PaymentProcessed",outcome="conflict",${ON_A}}`]:
            "0x30 6x30",
        },
        at: "60m",
        labels: { instance: "a:8484", actor: "order", event_type: "PaymentProcessed" },
        says: "6 PaymentProcessed events came under an id that was heard before, with other content",
      },
    ],
    doesNot: [
      {
        series: {
          [`natstate_events_total{actor="order",event_type="PaymentProcessed",outcome="conflict",${ON_A}}`]: "2x60",
          [`natstate_events_total{actor="order",event_type="PaymentProcessed",outcome="applied",${ON_A}}`]: "0+9x60",
        },
        at: "60m",
      },
    ],
  },
  NatstateQuarantine: {
    fires: [
      {
        series: { [`natstate_quarantined_actors{actor="order",${ON_A}}`]: "0 2x9" },
        at: "5m",
        labels: { ...A, actor: "order" },
        says: "2 order actors are in quarantine: the machine fails on one of their events",
      },
    ],
    doesNot: [{ series: { [`natstate_quarantined_actors{actor="order",${ON_A}}`]: "2 0x9" }, at: "5m" }],
  },
  NatstateDrift: {
    fires: [
      {
        // Found once, three hours ago; nobody has done anything.
        series: { [`natstate_scrub_drift_total{actor="order",${ON_A}}`]: "0 1x180" },
        at: "180m",
        labels: { ...A, actor: "order" },
        says: "the store on a:8484 does not say what the stream gives",
      },
    ],
    doesNot: [{ series: { [`natstate_scrub_drift_total{actor="order",${ON_A}}`]: "0x10" }, at: "10m" }],
  },
  NatstateDivergence: {
    fires: [
      {
        series: { [`natstate_scrub_diverged_total{actor="order",${ON_A}}`]: "0 1x180" },
        at: "180m",
        labels: { ...A, actor: "order" },
        says: "what some order actors come to depends on the order in which their events arrive",
      },
    ],
    doesNot: [{ series: { [`natstate_scrub_diverged_total{actor="order",${ON_A}}`]: "0x10" }, at: "10m" }],
  },
  NatstatePartitionUnread: {
    fires: [
      {
        // One of two daemons died three hours ago, and the other has not taken over.
        series: {
          [`natstate_partitions{${ON_A}}`]: "16x10 _x200",
          [`natstate_partitions{${ON_B}}`]: "16x200",
          [`natstate_partitions_owned{${ON_A}}`]: "8x10 _x200",
          [`natstate_partitions_owned{${ON_B}}`]: "8x200",
        },
        at: "190m",
        labels: { job: "natstate" },
        says: "8 partitions are read, and there are more",
      },
    ],
    doesNot: [
      {
        // It has; and what another job reads is counted apart.
        series: {
          [`natstate_partitions{${ON_B}}`]: "16x30",
          [`natstate_partitions_owned{${ON_A}}`]: "8x10 _x20",
          [`natstate_partitions_owned{${ON_B}}`]: "8x10 16x20",
          'natstate_partitions{instance="c:8484",job="natstate-test"}': "4x30",
          'natstate_partitions_owned{instance="c:8484",job="natstate-test"}': "4x30",
        },
        at: "20m",
      },
    ],
  },
  NatstatePartitionsDoubted: {
    fires: [
      {
        series: { [`natstate_lane_doubts_total{reason="connection",${ON_A}}`]: "0+30x30" },
        at: "25m",
        labels: { instance: "a:8484" },
        says: "partitions on a:8484 are read again and again",
      },
    ],
    doesNot: [{ series: { [`natstate_lane_doubts_total{reason="connection",${ON_A}}`]: "0 16x30" }, at: "25m" }],
  },
};
