import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ActorType } from "../actor/actor-type.ts";
import {
  INSPECTION_ENDS,
  type Inspection,
  type InspectionEnd,
  type InspectionRequest,
  type Inspections,
} from "../answers/inspection.ts";
import { QueryError } from "../answers/query-error.ts";
import { isRefused, type Parameters, readChoice, readInspection } from "../answers/query-filters.ts";
import { exportMachine, MACHINE_FORMATS } from "../charts/export.ts";
import { ACTOR_ID } from "../wire/names.ts";
import { refuse } from "./answering.ts";
import { about } from "./routes.ts";
import type { Sources } from "./sources.ts";

export interface InspectSources extends Pick<Sources, "types" | "whereabouts"> {
  readonly inspections: Inspections;
  /** An actor of another daemon at work, as that one tells it; until the signal aborts. */
  readonly inspectElsewhere: (
    type: ActorType,
    actorId: string,
    how: { readonly redact: boolean; readonly signal: AbortSignal },
  ) => AsyncGenerator<string>;
}

const HEADERS = { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" };
/** The server cuts off who is silent for 30 s. */
const STILL_THERE_MS = 15_000;
/** Twice the longest past; whoever leaves more unread is dropped. */
const MAX_WAITING_BYTES = 8_388_608;
/** As many as a daemon tells itself. */
const MAX_RELAYED = 16;
/** Whoever reads its partition has said something by then, or nobody does. */
const FIRST_ANSWER_MS = 2000;

/**
 * The machine itself, `/api/machine/source` (for example `?type=order`, `&format=json|mermaid|source|text`), as text; and one actor
 * at work, `/api/<collection>/<id>/inspect` (`?redact=true`): server-sent events of one `InspectionMessage` each, the
 * past first. What ends the stream is told as an event `end`, `{"reason", "message"}`.
 */
export function addInspectRoutes(app: FastifyInstance, sources: InspectSources): void {
  const { types, inspections, whereabouts, inspectElsewhere } = sources;
  const readFormat = (given: Parameters) => readChoice(given, "format", MACHINE_FORMATS);
  const source = about(types, readFormat, ({ type, filter: { chosen = "source" } }, reply) =>
    reply.type("text/plain; charset=utf-8").send(exportMachine(type, chosen)),
  );
  app.get("/api/machine/source", source);
  const open = new Set<ServerResponse>();
  const relayed = new Set<ServerResponse>();
  app.addHook("preClose", async () => {
    for (const response of [...open, ...relayed]) response.end();
  });
  for (const type of types) {
    app.get(`/api/${type.collection}/:id/inspect`, { exposeHeadRoute: false }, (request, reply) => {
      const asked = readInspection(request.query as Parameters);
      if (isRefused(asked)) return refuse(reply, 400, "bad_request", asked.problem);
      const { id } = request.params as { id: string };
      const redact = asked.redact === true;
      if (ACTOR_ID.test(id) && whereabouts(type, id) === "elsewhere") {
        if (relayed.size >= MAX_RELAYED) return refuse(reply, 503, "unavailable", INSPECTION_ENDS.full);
        return relay((signal) => inspectElsewhere(type, id, { redact, signal }), reply, relayed);
      }
      const inspect: Inspect = (inspector) => inspections.open(type, id, { ...inspector, redact });
      const end = stream(inspect, reply, open);
      if (end !== undefined) return refuse(reply, 503, "unavailable", INSPECTION_ENDS[end]);
      return reply.hijack();
    });
  }
}

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

/**
 * Hands on what another daemon tells.
 *
 * @param relayed - those that are, to be ended with the server.
 */
async function relay(
  follow: (signal: AbortSignal) => AsyncGenerator<string>,
  reply: FastifyReply,
  relayed: Set<ServerResponse>,
): Promise<FastifyReply> {
  const response = reply.raw;
  const ending = new AbortController();
  relayed.add(response);
  // A reader that has gone says so by an error first; there is nothing to do about it.
  response.on("error", () => {});
  response.on("close", () => {
    relayed.delete(response);
    ending.abort();
  });
  const silence = setTimeout(() => ending.abort(), FIRST_ANSWER_MS);
  const timer = setInterval(() => response.headersSent && response.write(":\n\n"), STILL_THERE_MS);
  try {
    for await (const message of follow(ending.signal)) {
      clearTimeout(silence);
      if (!response.headersSent) begin(reply);
      response.write(`data: ${message}\n\n`);
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
    }
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    if (!response.headersSent) return refuse(reply, 503, "unavailable", error.message);
    response.write(`event: end\ndata: ${JSON.stringify({ reason: "elsewhere", message: error.message })}\n\n`);
  } finally {
    clearTimeout(silence);
    clearInterval(timer);
    relayed.delete(response);
  }
  if (!response.headersSent && !response.destroyed) {
    return refuse(reply.header("retry-after", "1"), 503, "unavailable", INSPECTION_ENDS.elsewhere);
  }
  response.end();
  return reply.hijack();
}

function begin(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value ?? "");
  reply.raw.writeHead(200, HEADERS);
}
