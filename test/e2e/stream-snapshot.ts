import type { NatsConnection } from "@nats-io/transport-node";
import { isNobody } from "../../src/jetstream/connect.ts";
import { until } from "../until.ts";

/** A stream as `nats stream backup` writes it. */
export interface StreamSnapshot {
  readonly name: string;
  readonly config: object;
  readonly state: object;
  readonly chunks: readonly Uint8Array[];
}

/** Asks JetStream's API. @throws what it answers when that is an error. */
async function ask(nc: NatsConnection, subject: string, body: object): Promise<Record<string, unknown>> {
  const { data } = await nc.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 20_000 });
  const answer = JSON.parse(Buffer.from(data).toString());
  if (answer.error !== undefined) throw new Error(`${subject}: ${JSON.stringify(answer.error)}`);
  return answer;
}

/** What `nats stream backup <name>` does. */
export async function snapshotStream(nc: NatsConnection, name: string): Promise<StreamSnapshot> {
  const inbox = nc.subscribe(`_INBOX.snapshot.${name}`);
  const body = { deliver_subject: inbox.getSubject(), no_consumers: true, chunk_size: 128 * 1024 };
  const { config, state } = await ask(nc, `STREAM.SNAPSHOT.${name}`, body);
  const chunks: Uint8Array[] = [];
  for await (const message of inbox) {
    // The last one is empty.
    if (message.data.length === 0) break;
    chunks.push(message.data.slice());
    message.respond();
  }
  return { name, config: config as object, state: state as object, chunks };
}

/** What `nats stream restore <directory> --replicas <n>` does. */
export async function restoreStream(nc: NatsConnection, { name, ...told }: StreamSnapshot, replicas: number) {
  const config = { ...told.config, num_replicas: replicas };
  const { deliver_subject: to } = await ask(nc, `STREAM.RESTORE.${name}`, { config, state: told.state });
  // Our server may not have heard yet that another one listens there.
  const send = (chunk?: Uint8Array) =>
    until("the restoration goes on", () =>
      nc.request(String(to), chunk, { timeout: 20_000 }).catch((error: unknown) => {
        if (!isNobody(error)) throw error;
        return undefined;
      }),
    );
  for (const chunk of told.chunks) await send(chunk);
  const { data } = await send();
  const answer = JSON.parse(Buffer.from(data).toString());
  if (answer.error !== undefined) throw new Error(`restore of ${name}: ${JSON.stringify(answer.error)}`);
}
