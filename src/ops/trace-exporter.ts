import { setTimeout } from "node:timers/promises";
import { DiagLogLevel, diag, type Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

const QUEUE_SPANS = 8192;
const BATCH_SPANS = 512;
const SEND_EVERY_MS = 1000;
const SEND_WITHIN_MS = 10_000;
const CLOSE_WITHIN_MS = 2000;
const COMPLAIN_EVERY_MS = 60_000;

export interface ExporterOptions {
  readonly env: NodeJS.ProcessEnv;
  /** natstate's own. */
  readonly version: string;
  /** Told that spans could not be sent, at most once a minute. */
  readonly onTrouble: (message: string) => void;
}

/** Loaded only when traces are wanted, see `traces.ts`. */
export function openTraceExporter({ env, version, onTrouble }: ExporterOptions): {
  readonly tracer: Tracer;
  close(): Promise<void>;
} {
  complainTo(onTrouble);
  const provider = new TracerProvider({
    sampler: readSampler(env),
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": "natstate", "service.version": version }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        maxQueueSize: QUEUE_SPANS,
        maxExportBatchSize: BATCH_SPANS,
        scheduledDelayMillis: SEND_EVERY_MS,
        exportTimeoutMillis: SEND_WITHIN_MS,
      }),
    ],
  });
  return {
    tracer: provider.getTracer("natstate", version),
    async close() {
      const late = setTimeout(CLOSE_WITHIN_MS, undefined, { ref: false });
      // A collector that is away must not hold up the end, and is no reason to fail it.
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      diag.disable();
    },
  };
}

/**
 * The sampler that OTEL_TRACES_SAMPLER names; whatever the root's share, a publisher that has decided is followed.
 *
 * Source: OpenTelemetry's "General SDK Configuration". The default is `parentbased_always_on`.
 */
function readSampler({ OTEL_TRACES_SAMPLER: name = "", OTEL_TRACES_SAMPLER_ARG: share }: NodeJS.ProcessEnv): Sampler {
  const bare = name.replace(/^parentbased_/, "");
  const ratio = share === undefined || Number.isNaN(Number(share)) ? 1 : Number(share);
  const root =
    bare === "always_off"
      ? new AlwaysOffSampler()
      : bare === "traceidratio"
        ? new TraceIdRatioBasedSampler(ratio)
        : new AlwaysOnSampler();
  return name === bare && name !== "" ? root : new ParentBasedSampler({ root });
}

/** The SDK's own warnings, such as a collector that does not answer or a queue that is full, but not each of them. */
function complainTo(onTrouble: (message: string) => void): void {
  let quietUntilMs = 0;
  const complain = (message: string) => {
    if (Date.now() < quietUntilMs) return;
    quietUntilMs = Date.now() + COMPLAIN_EVERY_MS;
    onTrouble(message.slice(0, 300));
  };
  const ignore = () => {};
  diag.setLogger(
    { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
