import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { LRUCache } from "lru-cache";
import type { ActorType } from "../actor/actor-type.ts";
import type { Handled } from "../flow/batch-result.ts";
import type { Observer } from "../flow/observer.ts";
import type { LedgerRow } from "../flow/rows.ts";
import { consumerName, decisionMsgId, decisionSubject, eventSubject, publishedSubject } from "../wire/names.ts";

/** A `process` span for each event, a `publish` span for each decision that its stream has acknowledged. */
export type Spans = Pick<Required<Observer>, "committed" | "published">;

/** Decisions that may wait for their stream; beyond that, and after a restart, their parent is the publisher's span. */
const MAX_WAITING = 20_000;
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

/** A decision between its commit and its acknowledgement. */
interface Waiting {
  /** With the `process` span of the event that caused it. */
  readonly context: Context;
  readonly committedAtMs: number;
}

/**
 * Makes the spans: `process` (consumer) for an event, a child of the publisher's span and linked to it; `publish`
 * (producer) for a decision, a child of the event's that caused it. So one trace tells the whole story.
 *
 * Source: OpenTelemetry semantic conventions for messaging spans, 1.37.
 */
export function createSpans(tracer: Tracer, types: readonly ActorType[]): Spans {
  const waiting = new LRUCache<string, Waiting>({ max: MAX_WAITING });

  return {
    committed({ handled, decisions }, commitMs, nowMs) {
      const spans = new Map<string, Span>();
      for (const item of handled) {
        if (item.outcome === "skipped") continue;
        const { lane, sequence, storedAtMs } = item.delivery;
        spans.set(causeName(lane.type.name, sequence, storedAtMs), startProcess(item, nowMs - commitMs));
      }
      for (const row of decisions) {
        const span = spans.get(causeName(row.type, row.sequence, row.causedAtMs));
        if (span === undefined) continue;
        span.setAttribute("natstate.revision", row.revision);
        const context = trace.setSpan(ROOT_CONTEXT, span);
        waiting.set(keyOf(row), { context, committedAtMs: nowMs });
      }
      for (const span of spans.values()) span.end(nowMs);
    },
    published(decisions, _, nowMs) {
      for (const row of decisions) recordPublish(row, nowMs);
    },
  };

  function startProcess(item: Handled, startTime: number): Span {
    const { delivery, observation, rejected } = item;
    const publisher = contextOf(observation?.traceparent ?? delivery.header("traceparent") ?? null);
    const link = publisher && trace.getSpanContext(publisher);
    const links = link === undefined ? [] : [{ context: link }];
    const { type } = delivery.lane;
    const template = eventSubject(type, `{${type.idField}}`, observation?.type ?? "{eventType}");
    const attributes = processAttributes(item, template);
    const options = { kind: SpanKind.CONSUMER, startTime, links, attributes };
    const span = tracer.startSpan(`process ${template}`, options, publisher ?? ROOT_CONTEXT);
    if (rejected !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: rejected.error });
    return span;
  }

  function recordPublish(row: LedgerRow, nowMs: number): void {
    const type = types.find(({ name }) => name === row.type);
    if (type === undefined) return;
    const { context, committedAtMs: startTime } = waiting.get(keyOf(row)) ?? {
      context: contextOf(row.traceparent) ?? ROOT_CONTEXT,
      committedAtMs: nowMs,
    };
    waiting.delete(keyOf(row));
    const template = decisionSubject(type, `{${type.idField}}`);
    const attributes = publishAttributes(type, row, template);
    tracer.startSpan(`publish ${template}`, { kind: SpanKind.PRODUCER, startTime, attributes }, context).end(nowMs);
  }
}

function processAttributes(item: Handled, template: string): Attributes {
  const { lane, subject, body, sequence } = item.delivery;
  return {
    "messaging.system": "nats",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": publishedSubject(subject),
    "messaging.destination.template": template,
    "messaging.destination.partition.id": String(lane.partition),
    "messaging.consumer.group.name": consumerName(lane.type, lane.partition),
    "messaging.message.body.size": body.length,
    "natstate.actor.type": lane.type.name,
    "natstate.outcome": item.outcome,
    "natstate.stream.sequence": sequence,
    ...attributesOf(item),
  };
}

function publishAttributes(type: ActorType, row: LedgerRow, template: string): Attributes {
  return {
    "messaging.system": "nats",
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
    "messaging.destination.name": decisionSubject(type, row.actorId),
    "messaging.destination.template": template,
    "messaging.message.id": decisionMsgId(type, row.actorId, row.revision),
    "messaging.message.body.size": Buffer.byteLength(row.payload),
    "natstate.actor.id": row.actorId,
    "natstate.actor.type": row.type,
    "natstate.decision.type": row.decisionType,
    "natstate.revision": row.revision,
  };
}

/** What is known of an event only when it could be read, and of its rejection only when it could not. */
function attributesOf({ observation, rejected }: Handled): Attributes {
  return {
    ...(observation && {
      "messaging.message.id": observation.eventId,
      "natstate.actor.id": observation.actorId,
    }),
    ...(observation?.correlationId && { "messaging.message.conversation_id": observation.correlationId }),
    ...(rejected && { "error.type": rejected.reason }),
  };
}

function contextOf(traceparent: string | null): Context | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, context);
}

/** A parked event may be of a stream that was replaced since: its sequence alone is not enough. */
function causeName(type: string, sequence: number, storedAtMs: number): string {
  return `${type} ${sequence} ${storedAtMs}`;
}

function keyOf(row: LedgerRow): string {
  return `${row.actorKey}/${row.revision}`;
}
