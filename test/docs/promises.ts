import { readFileSync } from "node:fs";
import type { Facts } from "../facts.ts";
import type { Outcome } from "../faults/fault.ts";

/** What natstate promises for one kind of trouble, and what shows it. */
export interface Promised {
  readonly when: string;
  readonly promise: string;
  /** Tests of `npm test` and `npm run test:slow`: file under `test/`, and what the test's title begins with. */
  readonly tests: readonly (readonly [file: string, title: string])[];
  /** Faults of `npm run faults`. */
  readonly faults: readonly string[];
}

export const PROMISES: readonly Promised[] = [
  {
    when: "events arrive in any order, late, or more than once",
    promise: "the same facets, state, completeness and standing decision; each event has one effect",
    tests: [
      ["machines/order-convergence.test.ts", "ends the same in all 120 arrival orders"],
      ["machines/order-convergence.test.ts", "ends as the reference model says"],
      ["e2e/wire.test.ts", "the same history in two arrival orders"],
    ],
    faults: ["redelivery-storm", "backlog"],
  },
  {
    when: "the daemon is killed (`kill -9`) at any step or moment",
    promise:
      "the next start goes on from the checkpoint; no event is lost or counted twice, no revision missing, doubled or different",
    tests: [["e2e/crash.test.ts", "the daemon killed again and again"]],
    faults: [
      "crash-received",
      "crash-applied",
      "crash-in-transaction",
      "crash-committed",
      "crash-acked",
      "crash-published",
      "crash-noted",
      "kill-9",
    ],
  },
  {
    when: "the daemon is stopped (SIGTERM)",
    promise: "it exits with 0 within 10 s, and the next start goes on",
    tests: [["e2e/crash.test.ts", "SIGTERM in mid-load"]],
    faults: ["sigterm"],
  },
  {
    when: "the daemon is frozen past its pin, `ack_wait` or the dedupe window, and another takes over",
    promise: "both compute the same from the same log; one revision gets in",
    tests: [["e2e/many-daemons.slow.test.ts", "an owner frozen longer than its pin"]],
    faults: ["frozen-owner", "frozen-ack-wait", "frozen-dedupe", "frozen-alone"],
  },
  {
    when: "several daemons run, and some die",
    promise:
      "they share the partitions and take over from the log; a second one on the same data directory refuses to start",
    tests: [
      ["e2e/many-daemons.test.ts", "two daemons share the partitions"],
      ["e2e/cli-start.test.ts", "a second start on the same data directory refuses"],
    ],
    faults: ["two-daemons", "one-file"],
  },
  {
    when: "nats-server is killed, frozen or slow, or the connection is cut or half-open",
    promise:
      "the daemon reconnects for ever, reads each partition again from its checkpoint, and looks up what the stream holds before it publishes again",
    tests: [["e2e/crash.slow.test.ts", "nats-server killed and started again"]],
    faults: ["server-kill-9", "server-frozen", "cut", "half-open", "half-open-long", "delay"],
  },
  {
    when: "in a cluster of three nats-servers one is killed, frozen, wiped, restarted or cut off, leaders change, links are slow, or two are down for a minute",
    promise:
      "nothing that was acknowledged is lost and nothing told twice; decisions flow again within seconds of the cluster's own recovery, and a daemon leaves a server that is cut off; without a majority `/readyz` is red, and it goes on by itself",
    tests: [
      ["e2e/cluster.slow.test.ts", "the node that leads DECISIONS is killed under traffic"],
      ["e2e/cluster.slow.test.ts", "empty daemons that join while a replaced node catches up"],
      ["e2e/machine-lost.slow.test.ts", "a machine is lost under load and comes back"],
    ],
    faults: [
      "cluster-kill-9",
      "cluster-leaders",
      "cluster-step-down",
      "cluster-meta-step-down",
      "cluster-frozen",
      "cluster-wiped",
      "cluster-rolling",
      "cluster-no-quorum",
      "cluster-partition",
      "cluster-slow",
    ],
  },
  {
    when: "consumers are deleted, reset or unpinned by others",
    promise: "they are made again and read from the checkpoint",
    tests: [["jetstream/lane-pin.test.ts", "a reset by another owner"]],
    faults: ["consumer-deleted", "consumer-reset"],
  },
  {
    when: "consumers are edited or paused by others",
    promise:
      "only a partition's own events, whole, are applied; what is wrong is put right, or named by `/readyz` until somebody does",
    tests: [],
    faults: ["consumer-edited", "consumer-edited-alone"],
  },
  {
    when: "the stream was purged or made anew",
    promise: "what was read is nobody's loss; for what was not, the daemon stops and names the command that accepts it",
    tests: [
      ["e2e/refusals.slow.test.ts", "a stream made anew under the same name"],
      ["e2e/refusals.slow.test.ts", "messages that are gone before they were read"],
    ],
    faults: [
      "purged-below",
      "purged-above",
      "purged-above-frozen",
      "purged-lagging",
      "purged-by-subject",
      "recreated",
      "more-partitions",
      "fewer-partitions",
    ],
  },
  {
    when: "decisions are purged, or a stream is limited so that it throws away what replay needs",
    promise:
      "nobody hears a decision that nothing new led to; such a limit is refused at the start and noticed while running",
    tests: [["flow/ledger.test.ts", "only the newest revision is left"]],
    faults: ["decisions-kept-one", "purged-remembered", "one-per-subject"],
  },
  {
    when: "streams are restored from a copy older than the store, or are gone",
    promise:
      "a refusal that names what to accept; then what had been published above their end is published again, in order, and API and DECISIONS agree",
    tests: [["flow/ledger.test.ts", "what the stream has lost at its end is due again"]],
    faults: ["decisions-older", "dead-letters-older", "outputs-gone", "streams-older"],
  },
  {
    when: "somebody else publishes to DECISIONS or DEAD_LETTERS",
    promise: "it is recognised, named and passed over; decisions and dead letters get in beside it, each once",
    tests: [["flow/ledger.test.ts", "revisions that do not rise are copies"]],
    faults: ["stranger-decisions", "stranger-revisions", "stranger-ids", "stranger-dead-letters"],
  },
  {
    when: "the disk is full, under SQLite or under NATS, or slow",
    promise: "nothing is acknowledged and nothing dead-lettered; `/readyz` turns red; it goes on when there is room",
    tests: [["flow/batcher.test.ts", "a full disk"]],
    faults: ["store-full", "disk-full", "nats-disk-full", "slow-commits"],
  },
  {
    when: "the SQLite file is deleted, or an older copy restored",
    promise: "the log is read again from the checkpoint found; the same orders, and not one extra message in DECISIONS",
    tests: [["e2e/crash.slow.test.ts", "the store deleted, or replaced by an older copy"]],
    faults: ["store-deleted", "store-older"],
  },
  {
    when: "the SQLite file is damaged",
    promise:
      "rebuilt from events or refused with the command to run, or found by `natstate verify`; never a wrong decision",
    tests: [
      ["e2e/repair.slow.test.ts", "rebuild: takes the place of a store that is damaged"],
      ["e2e/repair.test.ts", "verify: finds what was changed by hand"],
    ],
    faults: ["store-truncated", "bits-flipped", "poisoned-rows"],
  },
  {
    when: "a message can never be processed",
    promise: "it is in DEAD_LETTERS once, with its bytes and a reason; the next event is unaffected",
    tests: [
      ["e2e/wire-bad-input.test.ts", "bad input is kept once"],
      ["fuzz/decoder.test.ts", "4,000 messages are accepted or rejected"],
    ],
    faults: [],
  },
  {
    when: "on an event a machine or a rule throws, goes round in circles, keeps what JSON does not, or gives what is no decision",
    promise:
      "that actor is quarantined; all others flow. Of a type that merges, as the order, the event it failed on is told as a dead letter, and it and what follows are kept back and applied in order when released after a fix; by event time nothing is kept back and no dead letter told: events are in its history as `held`, and a further one, or a release after a fix, ends it",
    tests: [
      ["flow/event-time.test.ts", "are kept, and the first that mends it ends the quarantine"],
      ["flow/event-time.test.ts", "a release folds all of them anew"],
      ["flow/poison.test.ts", "it is mended by a release after a fix"],
      ["e2e/quarantine.slow.test.ts", "quarantined orders are listed, shown and, after a fix, released"],
    ],
    faults: ["poison-machine"],
  },
  {
    when: "messages have thousands of headers, or orders are large",
    promise:
      "too many headers are a dead letter; decisions beside them are not held up; memory has a bound, also while nothing can be committed",
    tests: [
      ["jetstream/message-headers.test.ts", "64 KiB of headers take no longer"],
      ["flow/hot-cache.test.ts", "orders that know much leave"],
    ],
    faults: ["header-burst", "large-orders", "paused-large"],
  },
  {
    when: "a late event arrives for an order that was retired (`NATSTATE_RETAIN`)",
    promise:
      "the order comes back as it was and goes on; or, when the streams no longer hold all of it, the event is dead-lettered as `actor_retired`. Never a blank order",
    tests: [
      ["e2e/retention.slow.test.ts", "settled orders are retired, tell so, and come back"],
      ["e2e/retention.slow.test.ts", "what has left the stream does not come back"],
      ["e2e/retention.slow.test.ts", "killed at each moment of retiring and of bringing back"],
      ["e2e/retention.slow.test.ts", "killed again and again while orders are retired"],
    ],
    faults: [],
  },
  {
    when: "clocks are wrong",
    promise: "no decision depends on the daemon's clock",
    tests: [["machines/order-purity.test.ts", "knows no clock"]],
    faults: ["clock-jumps", "clock-faked"],
  },
  {
    when: "several of these at once",
    promise: "all of the above",
    tests: [],
    faults: ["mixed"],
  },
];

/**
 * The last figures: `npm run faults -- --report docs/measured-faults.json`. `remark`: what was measured apart, and so is no
 * figure of that run.
 */
export function measured(): Facts & {
  readonly seeds: number;
  readonly outcomes: readonly Outcome[];
  readonly remark?: string;
} {
  return JSON.parse(readFileSync(new URL("../../docs/measured-faults.json", import.meta.url), "utf8"));
}
