import { globSync, readFileSync } from "node:fs";
import { EXIT_CODES } from "../../src/cli/exit-codes.ts";
import { type Setting, settings } from "../../src/config/settings.ts";
import { isNewFact, type Outcome } from "../../src/flow/batch-result.ts";
import { METRICS } from "../../src/ops/catalogue.ts";
import { REJECTION_REASONS } from "../../src/wire/rejection.ts";
import { type DaemonsReport, daemonsPieces } from "../bench/daemons-report.ts";
import type { Moves } from "../bench/moves.ts";
import { whole } from "../bench/report.ts";
import type { Sizings } from "../bench/sizing.ts";
import { measured, PROMISES } from "./promises.ts";

const ROOT = new URL("../../", import.meta.url);

const MEANINGS: Record<(typeof REJECTION_REASONS)[number], string> = {
  malformed_json: "not UTF-8, empty, or not JSON",
  invalid_event:
    "JSON, but not as the contract says: a field is missing or wrong, nested too deep, has a `__proto__` key, or text that is no Unicode",
  unknown_event_type: "an event type this actor type does not have",
  subject_mismatch: "actor id or event type differ from the subject's",
  too_large: "larger than `NATSTATE_MAX_EVENT_BYTES`, or more than 256 headers",
  reserved_type: "an event type that would drive XState's internals (`xstate.*`), or `TimePassed` before it is sent",
  timestamp_out_of_range:
    "event time before 1970, or more than 24 h after the stream stored the message; for types with delays or `latenessMs` more than their `aheadMs`, a minute by default",
  machine_error:
    "of a type that merges: on this event the machine or a rule threw, went round in circles, kept what JSON does not, or gave what is no decision; its actor is quarantined, see `natstate quarantine`. By event time such an event is [`held`](#outcomes) and no dead letter, unless what its actor heard before can no longer be read by the contract",
  too_late:
    "it happened longer before the newest event of its actor than the actor type's `latenessMs` allows; without that, before the newest `maxFacts` of them (10,000), once the actor has a quarter more",
  actor_retired:
    "a late event about an actor that was retired after `NATSTATE_RETAIN`, and of which the streams no longer hold every event and revision",
};

/** Of what is no dead letter. */
const OUTCOMES: Record<Exclude<Outcome, "rejected">, readonly [ordering: string, meaning: string]> = {
  applied: [
    "both",
    "merge: it changed what is known. By event time: it happened after all others that had been heard, and a transition took it, also when it was heard late and undid a delay",
  ],
  superseded: ["merge", "it changed nothing: what is known was newer already"],
  reordered: [
    "event time",
    "it happened before others that had been heard: these were folded again (`replayed` says how many)",
  ],
  unhandled: [
    "event time",
    "no transition takes it in the state it happened in, also because every guard says no; one that happened earlier may change that",
  ],
  held: [
    "event time",
    "it is kept, but its actor's events cannot be folded, or the rules fail on what they come to: the actor is quarantined, and a further event may end that",
  ],
  tick: ["event time", "no event of the machine's: natstate says that the time of a delay has passed (`TimePassed`)"],
  ignored: ["event time", "a tick that was stored before its time, or is about an actor nothing is known of"],
  duplicate: ["both", "the same event again, without effect; it is counted at the first one (`duplicates`)"],
  conflict: [
    "both",
    "another content under the type and id of an event heard before, which counts; logged, and counted at that one (`conflicts`)",
  ],
  parked: [
    "both",
    "kept back to be heard later: its actor is quarantined (merge), behind with its share of the work (event time), or retired and being brought back",
  ],
  skipped: ["both", "delivered again although its effects are committed; only `natstate_events_total` counts it"],
};

/** What the docs say of the code, by the name of its place in them. */
export function tables(): Record<string, string> {
  return {
    "publish-example": example("test/docs/examples/publish.ts"),
    "act-example": example("test/docs/examples/act.ts"),
    "consume-example": example("test/docs/examples/consume.ts"),
    "booking-example": example("examples/booking/actors.ts"),
    "booking-test-example": example("examples/booking/booking.test.ts"),
    "lamp-example": example("test/package/lamp.ts"),
    "machine-example": example("examples/checkout/machine.ts"),
    "actors-example": example("examples/checkout/actors.ts"),
    "promises-table": promises(),
    "sizing-table": sizing(),
    "moves-table": moves(),
    "daemons-table": daemons(),
    "config-table": table(
      ["setting", "default", "what it does"],
      Object.entries<Setting>(settings).map(([name, { fallback, help }]) => [
        code(name),
        fallback ? code(fallback) : "",
        help,
      ]),
    ),
    "metrics-table": table(
      ["metric", "type", "labels", "what it says"],
      Object.values(METRICS).map(({ name, type, labels, help }) => [
        code(name),
        type,
        labels.map(code).join(", "),
        help,
      ]),
    ),
    "outcomes-table": table(
      ["outcome", "ordering", "what became of it", "in `version`"],
      (Object.keys(OUTCOMES) as (keyof typeof OUTCOMES)[]).map((outcome) => [
        code(outcome),
        ...OUTCOMES[outcome],
        isNewFact(outcome) ? "yes" : "",
      ]),
    ),
    "reasons-table": table(
      ["reason", "meaning"],
      REJECTION_REASONS.map((reason) => [code(reason), MEANINGS[reason]]),
    ),
    "exit-code-table": table(
      ["code", "meaning"],
      Object.values(EXIT_CODES).map(({ code: number, meaning }) => [String(number), meaning]),
    ),
  };
}

function sizing(): string {
  const file = new URL("../../docs/measured-sizing.json", import.meta.url);
  const { date, machine, node, natsServer, fsyncsPerSecond, sizings } = JSON.parse(
    readFileSync(file, "utf8"),
  ) as Sizings;
  const rows = sizings.map((one) => [
    whole(one.orders),
    one.hotActors === null ? "default" : whole(one.hotActors),
    `${whole(one.maxRssMib)} MiB`,
    `${whole(one.storeBytesPerOrder)} bytes`,
    `${whole(one.streamBytesPerEvent)} bytes`,
    `${whole(one.streamBytesPerDecision)} bytes`,
    `${whole(one.cpuUsPerEvent)} µs`,
    `${whole(one.serverCpuUsPerEvent)} µs`,
    `${whole(one.othersPercent)} %`,
  ]);
  const head = ["orders", "`NATSTATE_HOT_ACTORS`", "peak memory", "store, an order", "ORDERS, an event"];
  const rest = ["DECISIONS, a decision", "CPU, an event", "nats-server's CPU, an event", "others on the machine"];
  return `${table([...head, ...rest], rows)}

Measured by \`npm run bench:sizing\` on ${date.slice(0, 10)} (${machine}; Node ${node}, nats-server ${natsServer},
${whole(fsyncsPerSecond)} fsyncs/s).`;
}

function daemons(): string {
  const file = new URL("docs/measured-daemons.json", ROOT);
  const report = JSON.parse(readFileSync(file, "utf8")) as DaemonsReport;
  const pieces = daemonsPieces(report).map((piece) => {
    if (typeof piece === "string") return piece;
    const [head = [], ...rows] = piece;
    return table(head, rows);
  });
  const { date, machine, node, natsServer, fsyncsPerSecond, summaries } = report;
  const runs = Math.max(...summaries.map((one) => one.runs));
  return `${pieces.join("\n\n")}

Measured by \`npm run bench -- --daemons ${summaries.map((one) => one.daemons).join(",")}\` on ${date.slice(0, 10)}, ${runs === 1 ? "once" : `medians of ${runs}`} (${machine};
Node ${node}, nats-server ${natsServer}, ${whole(fsyncsPerSecond)} fsyncs/s).`;
}

const INCIDENTS = {
  join: "one joins, with nothing in its store",
  SIGTERM: "SIGTERM",
  SIGKILL: "`kill -9`",
  SIGSTOP: "one is frozen",
} as const;

function moves(): string {
  const reports = JSON.parse(readFileSync(new URL("docs/measured-moves.json", ROOT), "utf8")) as Moves[];
  const cases = reports
    .flatMap(({ orders, standbys, figures }) => figures.map((one) => ({ orders, standbys, ...one })))
    .toSorted((a, b) => a.standbys - b.standbys || a.orders - b.orders);
  const rows = Object.entries(INCIDENTS).flatMap(([incident, name]) =>
    cases
      .filter((one) => one.incident === incident)
      .map((one) => [
        name,
        whole(one.standbys),
        whole(one.orders),
        `${whole(one.partitions)} in ${whole(one.repetitions)}`,
        ...[one.p50Ms, one.p95Ms, one.p99Ms, one.maxMs].map((ms) => `${whole(ms)} ms`),
      ]),
  );
  const head = [
    "the second of two",
    "`NATSTATE_STANDBYS`",
    "orders in the log before",
    "partitions moved",
    "p50",
    "p95",
  ];
  const [first] = reports;
  if (first === undefined) throw new Error("nothing was measured");
  const { date, machine, node, natsServer } = first;
  const wrong = reports.reduce((sum, { wrongRevisions }) => sum + wrongRevisions, 0);
  return `${table([...head, "p99", "longest"], rows)}

Measured by \`npm run bench:moves\` on ${date.slice(0, 10)}, with 200 events a second (${machine}; Node ${node}, nats-server
${natsServer}); decisions that did not go on from the one before: ${wrong}.`;
}

function promises(): string {
  const { date, machine, node, natsServer, seed, seeds, outcomes, remark = "" } = measured();
  const figures = (faults: readonly string[]) => {
    const own = outcomes.filter(({ fault }) => faults.includes(fault));
    const sum = (pick: (outcome: (typeof own)[number]) => number) =>
      own.reduce((total, outcome) => total + pick(outcome), 0).toLocaleString("en");
    const [lost, doubled, wrong] = [sum((one) => one.lost), sum((one) => one.doubled), sum((one) => one.wrong)];
    return `struck ${sum((one) => one.strikes)} times, ${sum((one) => one.events)} events, ${sum((one) => one.decisions)} decisions: ${lost} lost, ${doubled} doubled, ${wrong} wrong`;
  };
  const rows = PROMISES.map(({ when, promise, tests, faults }) => [
    when,
    promise,
    [...new Set(tests.map(([file]) => `[${file.replace(".test.ts", "")}](../test/${file})`)), ...faults.map(code)].join(
      ", ",
    ),
    faults.length === 0 ? "" : figures(faults),
  ]);
  return `${table(["what happens", "what you get", "shown by", "measured"], rows)}

Measured by \`npm run faults\` on ${date.slice(0, 10)}, ${seeds === 1 ? `seed ${seed}` : `seeds ${seed} to ${seed + seeds - 1}`} (${machine}; Node ${node}, nats-server ${natsServer}). In all:
${figures(outcomes.map(({ fault }) => fault))}.${remark && ` ${remark}`}

How soon it goes on in a cluster of three nats-servers:

${outcomes
  .filter(({ fault, notes }) => fault.startsWith("cluster-") && notes.length > 0)
  .map(({ fault, notes }) => `- ${code(fault)}: ${notes.join("; ")}`)
  .join("\n")}`;
}

/** Code that a test runs. */
function example(path: string): string {
  return `\`\`\`ts\n${readFileSync(new URL(path, ROOT), "utf8").trim()}\n\`\`\``;
}

/** Every page for people, by its path in the repository. */
export function readPages(): Map<string, string> {
  const paths = globSync(["*.md", "docs/*.md", "examples/{,*/}README.md"], { cwd: ROOT });
  return new Map(paths.map((path) => [path, readFileSync(new URL(path, ROOT), "utf8")]));
}

/** @returns the path of the page that has the markers `<!-- name -->` and `<!-- /name -->`. */
export function pageOf(pages: ReadonlyMap<string, string>, name: string): string {
  const [path, other] = [...pages].filter(([, page]) => page.includes(`<!-- ${name} -->`)).map(([found]) => found);
  if (path === undefined || other !== undefined) throw new Error(`expected one page with a place for ${name}`);
  return path;
}

/** Puts `text` between the markers of its place. */
export function place(page: string, name: string, text: string): string {
  const pattern = new RegExp(`<!-- ${name} -->[\\s\\S]*?<!-- /${name} -->`);
  return page.replace(pattern, () => `<!-- ${name} -->\n${text.trim()}\n<!-- /${name} -->`);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}
