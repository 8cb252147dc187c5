import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply } from "fastify";
import {
  INSPECTION_ENDS,
  type Inspection,
  type InspectionEnd,
  type InspectionRequest,
  type Inspections,
} from "../answers/inspection.ts";
import { isRefused, type Parameters, readChoice, readInspection } from "../answers/query-filters.ts";
import { exportMachine, MACHINE_FORMATS } from "../charts/export.ts";
import { readTyped, refuse, type Sources } from "./routes.ts";

/** What a look at a machine needs. */
export interface InspectSources extends Pick<Sources, "types"> {
  /** Absent: nobody can inspect. */
  readonly inspections?: Inspections;
}

const HEADERS = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
/** The server cuts off who is silent for 30 s. */
const STILL_THERE_MS = 15_000;
/** Twice the longest past; whoever leaves more unread is dropped. */
const MAX_WAITING_BYTES = 8_388_608;

/**
 * The machine itself, `/api/machine/source` (for example `?type=order`, `&format=json|mermaid|source|text`), as text; and one actor
 * at work, `/api/<collection>/<id>/inspect` (`?redact=true`): server-sent events of one `InspectionMessage` each, the
 * past first. What ends the stream is told as an event `end`, `{"reason", "message"}`.
 */
export function addInspectRoutes(app: FastifyInstance, { types, inspections }: InspectSources): void {
  app.get("/api/machine/source", (request, reply) => {
    const asked = readTyped(types, request, (given) => readChoice(given, "format", MACHINE_FORMATS));
    if (isRefused(asked)) return refuse(reply, 400, "bad_request", asked.problem);
    return reply.type("text/plain; charset=utf-8").send(exportMachine(asked.type, asked.filter.chosen ?? "source"));
  });
  if (inspections === undefined) return;
  const open = new Set<ServerResponse>();
  app.addHook("preClose", async () => {
    for (const response of open) response.end();
  });
  for (const type of types) {
    app.get(`/api/${type.collection}/:id/inspect`, { exposeHeadRoute: false }, (request, reply) => {
      const asked = readInspection(request.query as Parameters);
      if (isRefused(asked)) return refuse(reply, 400, "bad_request", asked.problem);
      const { id } = request.params as { id: string };
      const inspect: Inspect = (inspector) =>
        inspections.open(type, id, { ...inspector, redact: asked.redact === true });
      const end = stream(inspect, reply, open);
      if (end !== undefined) return refuse(reply, 503, "unavailable", INSPECTION_ENDS[end]);
      return reply.hijack();
    });
  }
}

/** Begins an inspection. */
type Inspect = (inspector: Pick<InspectionRequest, "tell" | "onEnd">) => Inspection | InspectionEnd;

/**
 * @param open - the streams that are, to be ended with the server.
 * @returns why not, when nothing was sent.
 */
function stream(inspect: Inspect, reply: FastifyReply, open: Set<ServerResponse>): InspectionEnd | undefined {
  const response = reply.raw;
  const finish = (end: InspectionEnd) => {
    response.write(`event: end\ndata: ${JSON.stringify({ reason: end, message: INSPECTION_ENDS[end] })}\n\n`);
    if (end === "slow") response.destroy();
    else response.end();
  };
  const inspection = inspect({
    tell(message) {
      if (!response.headersSent) begin(reply);
      response.write(`data: ${message}\n\n`);
      return response.writableLength > MAX_WAITING_BYTES ? "slow" : undefined;
    },
    onEnd: finish,
  });
  if (typeof inspection === "string") {
    if (!response.headersSent) return inspection;
    finish(inspection);
    return undefined;
  }
  const timer = setInterval(() => response.write(":\n\n"), STILL_THERE_MS);
  open.add(response);
  // A reader that has gone says so by an error first; there is nothing to do about it.
  response.on("error", () => {});
  response.on("close", () => {
    clearInterval(timer);
    open.delete(response);
    inspection.close();
  });
  return undefined;
}

function begin(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value ?? "");
  reply.raw.writeHead(200, HEADERS);
}
