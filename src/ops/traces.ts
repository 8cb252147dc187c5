import type { ActorType } from "../actor/actor-type.ts";
import type { ExporterOptions } from "./trace-exporter.ts";

/**
 * Opens the way to an OpenTelemetry collector when OTEL_EXPORTER_OTLP_ENDPOINT (or _TRACES_ENDPOINT) is set.
 *
 * Until then nothing of OpenTelemetry's SDK is loaded. It is configured by OpenTelemetry's own variables alone; the
 * protocol is OTLP over HTTP with JSON.
 *
 * @param options - with every type whose deliveries are recorded.
 * @returns spans of what the daemon does: recording never throws and never waits, and what cannot be sent in time is
 *   dropped; `stop` sends what is left, for 2 s at most. Undefined when nothing is set, or OTEL_SDK_DISABLED is `true`.
 */
export async function openTraces(options: ExporterOptions & { readonly types: readonly ActorType[] }) {
  const { env } = options;
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint || env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  if ((env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL) === "grpc") {
    options.onTrouble(
      "OTEL_EXPORTER_OTLP_PROTOCOL: grpc, but natstate speaks http/json: give the collector's HTTP port",
    );
  }
  const [{ openTraceExporter }, { createSpans }] = await Promise.all([
    import("./trace-exporter.ts"),
    import("./trace-spans.ts"),
  ]);
  const { tracer, close } = openTraceExporter(options);
  return { ...createSpans(tracer, options.types), stop: close };
}
