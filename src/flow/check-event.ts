import type { ActorType } from "../actor/actor-type.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import { eventStream } from "../wire/names.ts";
import type { Rejected } from "../wire/rejection.ts";
import { isRejected, reject } from "../wire/rejection.ts";
import { decode } from "./decode.ts";
import { keptHeaders, toDelivery } from "./delivery.ts";

/** A message as it would be published. */
export interface UnsentEvent {
  /** Without the partition token. */
  readonly subject: string;
  readonly body: Uint8Array;
  readonly headers?: ReadonlyArray<readonly [string, string]>;
}

/**
 * Asks the daemon's own decoder whether it could read a message sent now, so that publisher and daemon cannot disagree.
 *
 * @param type - the decoder reads no more of it than a contract has.
 * @returns what it would be dead-lettered for, undefined when it can be read.
 */
export function checkEvent(
  type: Pick<ActorType, "collection" | "idField" | "events">,
  { subject, body, headers = [] }: UnsentEvent,
  maxBytes: number,
): Rejected | undefined {
  const [collection = "", ...rest] = subject.split(".");
  if (rest.at(-1) === TIME_PASSED) {
    return reject(
      "reserved_type",
      `eventType: ${TIME_PASSED} is reserved: natstate publishes it when a delay has ended`,
    );
  }
  const lane = { type: type as ActorType, stream: eventStream(type), partition: 0 };
  const stored = {
    sequence: 0,
    subject: [collection, lane.partition, ...rest].join("."),
    body,
    ...keptHeaders(headers),
    headerCount: headers.length,
    storedAtMs: Date.now(),
  };
  const decoded = decode(toDelivery(lane, stored), { maxBytes });
  return isRejected(decoded) ? decoded : undefined;
}
