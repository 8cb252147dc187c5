import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One span as OTLP/JSON writes it, its attributes by name. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** A small OTLP/HTTP receiver. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  /** In the order received. */
  readonly spans: CollectedSpan[];
  /** Of the process that sends. */
  readonly resource: Record<string, string | number>;
  readonly contentTypes: Set<string>;
  /** What it answers with; 200 until it is set. */
  status: number;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string | number; readonly boolValue?: boolean };
}

/** Listens on a free port of loopback; `await using` closes it. */
export async function openCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const resource: Record<string, string | number> = {};
  const contentTypes = new Set<string>();
  const answer = { status: 200 };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url !== "/v1/traces") return response.writeHead(404).end();
    contentTypes.add(request.headers["content-type"] ?? "");
    for (const { resource: sender, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans) {
      Object.assign(resource, byName(sender.attributes));
      for (const scope of scopeSpans) spans.push(...scope.spans.map(readSpan));
    }
    return response.writeHead(answer.status, { "content-type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    resource,
    contentTypes,
    set status(status: number) {
      answer.status = status;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: read field by field
function readSpan(span: any): CollectedSpan {
  const { traceId, spanId, name, kind, links = [], status = {} } = span;
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanId || undefined,
    name,
    kind,
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    links: links.map((link: { traceId: string; spanId: string }) => ({ traceId: link.traceId, spanId: link.spanId })),
    status,
    attributes: byName(span.attributes),
  };
}

function byName(attributes: readonly Attribute[]): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue ?? value.boolValue)]),
  );
}
