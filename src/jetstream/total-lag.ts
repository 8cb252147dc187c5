import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import { eventStream } from "../wire/names.ts";
import { measureLag } from "./lag.ts";
import { majoritySilentMs, SILENT_MS } from "./stream-pulse.ts";

/**
 * Messages of a type that are stored and not yet applied, over all its partitions, whoever reads them.
 *
 * @returns null when it cannot be known: this user may not ask, or NATS is away.
 */
export async function readTotalLag(jsm: JetStreamManager, type: ActorType): Promise<number | null> {
  const stream = eventStream(type);
  try {
    const info = await jsm.streams.info(stream);
    // A leader that has lost its majority shows what was.
    if (majoritySilentMs(info) > SILENT_MS) return null;
    const { config } = info;
    const [, partitions] = /\{\{partition\((\d+),/.exec(config.subject_transform?.dest ?? "") ?? [];
    if (partitions === undefined) return null;
    const lanes = Array.from({ length: Number(partitions) }, (_, partition) => ({ type, stream, partition }));
    return (await measureLag(jsm, lanes)).reduce((sum, { lag }) => sum + lag, 0);
  } catch {
    return null;
  }
}
