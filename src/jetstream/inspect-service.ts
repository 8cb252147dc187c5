import type { ServiceMsg } from "@nats-io/services";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import { INSPECTION_ENDS, type Inspection, type InspectionEnd, type Inspections } from "../answers/inspection.ts";
import { readJsonObject } from "../flow/json-body.ts";
import { isRejected } from "../wire/rejection.ts";

/** What an inspector asks for on `natstate.<collection>.inspect.<id>`. */
export interface InspectQuestion {
  /** Chosen by the inspector: the same one again renews its lease. */
  readonly inspector: string;
  readonly redact?: boolean;
  /** It has seen enough. */
  readonly end?: boolean;
}

interface Lease {
  readonly inspection: Inspection;
  readonly timer: NodeJS.Timeout;
  /** The latest question: between accounts NATS gives each a subject of its own for the answers. */
  message: ServiceMsg;
}

interface Opening {
  readonly type: ActorType;
  readonly actorId: string;
  readonly redact: boolean;
  readonly message: ServiceMsg;
}

/** Inspectors ask anew far more often, see `inspect-client.ts`. */
const LEASE_MS = 30_000;
const INSPECTOR = /^[A-Za-z0-9_-]{8,64}$/;

/**
 * Inspections over NATS: what happens is published where the inspector wants its answers, until its lease ends.
 *
 * Opens nothing and runs no timer until the first question.
 */
export function createInspectLeases(nc: NatsConnection, inspections: Inspections, leaseMs = LEASE_MS) {
  const leases = new Map<string, Lease>();

  function close(name: string): void {
    const lease = leases.get(name);
    leases.delete(name);
    clearTimeout(lease?.timer);
    lease?.inspection.close();
  }

  function open(name: string, { type, actorId, redact, message }: Opening): void {
    const asked = { message };
    const inspection = inspections.open(type, actorId, {
      redact,
      tell(json) {
        const bytes = Buffer.from(json);
        if (bytes.length > (nc.info?.max_payload ?? bytes.length)) return "too_large";
        asked.message.respond(bytes);
        return undefined;
      },
      onEnd(end) {
        close(name);
        refuse(asked.message, end);
      },
    });
    if (typeof inspection === "string") {
      refuse(message, inspection);
      return;
    }
    const timer = setTimeout(() => close(name), leaseMs);
    leases.set(name, Object.assign(asked, { inspection, timer }));
  }

  /** An actor that went to another daemon is told on by that one, when the inspector asks again. */
  function refuse(message: ServiceMsg, end: InspectionEnd): void {
    if (end !== "elsewhere" && !nc.isClosed() && !nc.isDraining()) {
      message.respondError(503, INSPECTION_ENDS[end], end);
    }
  }

  return {
    /** Begins, renews or ends a lease. */
    ask(type: ActorType, actorId: string, message: ServiceMsg): void {
      const question = readQuestion(message.data);
      if (question === undefined) {
        message.respondError(400, 'body: expected {"inspector": "<8 to 64 of A-Z a-z 0-9 _ ->"}');
        return;
      }
      const name = `${type.name}/${actorId}/${question.inspector}`;
      const known = leases.get(name);
      if (question.end) close(name);
      else if (known === undefined) open(name, { type, actorId, redact: question.redact === true, message });
      else {
        known.message = message;
        known.timer.refresh();
      }
    },
    stop(): void {
      for (const name of [...leases.keys()]) close(name);
    },
  };
}

function readQuestion(body: Uint8Array): InspectQuestion | undefined {
  const read = readJsonObject("body", body);
  if (isRejected(read)) return undefined;
  const { inspector } = read.fields;
  return typeof inspector === "string" && INSPECTOR.test(inspector) ? { ...read.fields, inspector } : undefined;
}
