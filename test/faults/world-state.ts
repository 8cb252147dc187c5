import type { Session } from "../../src/jetstream/session.ts";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { until } from "../until.ts";
import { pause } from "./processes.ts";

/** A daemon whose loop is held up does not answer at all. */
const ANSWER_MS = 5000;

/** Resolves when everything stored is applied and everything decided is published, as far as the server knows. */
export async function settle(session: Session, daemon: DaemonProcess, timeoutMs: number): Promise<void> {
  let ended = false;
  void daemon.exited.then(() => {
    ended = true;
  });
  const settled = () => isSettled(session, daemon).catch(() => false);
  // A session that begins anew may look, for a moment, like one that is done.
  const twice = async () => {
    if (ended) throw new Error("the daemon has ended");
    if (!(await settled())) return false;
    await pause(200);
    return settled();
  };
  await until("settled", twice, timeoutMs).catch((error) => {
    throw new Error(`${error.message}\n${daemon.output().slice(-3000)}`);
  });
}

async function isSettled({ jsm }: Session, daemon: DaemonProcess): Promise<boolean> {
  const { config } = await jsm.streams.info("ORDERS");
  const [, partitions] = /partition\((\d+),/.exec(config.subject_transform?.dest ?? "") ?? [];
  let lanes = 0;
  for await (const { name, num_pending, num_ack_pending } of jsm.consumers.list("ORDERS")) {
    if (!/^orders-\d+$/.test(name)) continue;
    if (num_pending + num_ack_pending > 0) return false;
    lanes++;
  }
  // One that was deleted is made again when its owner has noticed.
  if (lanes < Number(partitions)) return false;
  const response = await fetch(`${daemon.httpUrl}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
  const { checks } = (await response.json()) as { checks: { publisher: { detail: string } } };
  return response.ok && checks.publisher.detail.startsWith("0 ");
}

/** What the daemon and its consumers look like now, for a message. */
export async function describeState({ jsm }: Session, daemon: DaemonProcess): Promise<string> {
  const readiness = await fetch(`${daemon.httpUrl}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    (response) => response.text(),
    (error: Error) => `no answer: ${error.message}`,
  );
  const consumers: string[] = [];
  for await (const { name, num_pending, num_ack_pending, delivered } of jsm.consumers.list("ORDERS")) {
    consumers.push(`${name}: ${num_pending} + ${num_ack_pending} pending, delivered ${delivered.stream_seq}`);
  }
  return [readiness, ...consumers, daemon.output().slice(-3000)].join("\n");
}
