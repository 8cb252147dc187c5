import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ActorType } from "../actor/actor-type.ts";
import { ABSENCES, whyAbsent } from "../answers/find-actor.ts";
import type { QuarantineControl } from "../answers/quarantine.ts";
import type { ChangeGuard } from "./guard.ts";
import { refuse, type Sources } from "./routes.ts";

export interface ReleaseSources extends Pick<Sources, "types" | "whereabouts"> {
  /** Absent: nothing is released here. */
  readonly quarantine?: Pick<QuarantineControl, "release">;
}

/** What every request that changes something has to pass. */
export function onlyOurPage(guard: ChangeGuard) {
  return (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
    const refused = guard.refuse(request.headers);
    if (refused === null) next();
    else refuse(reply, 403, "forbidden", refused);
  };
}

/** Ends a quarantine for the console: `POST /api/<collection>/<id>/release` with `{}`, answered with a `Released`. */
export function addReleaseRoutes(app: FastifyInstance, sources: ReleaseSources, guard: ChangeGuard): void {
  const { types, quarantine, whereabouts = () => "here" } = sources;
  if (quarantine === undefined) return;
  const release = (type: ActorType, id: string, reply: FastifyReply) => {
    const where = whereabouts(type, id);
    if (where === "elsewhere") {
      const { kind, message } = whyAbsent({ type, actorId: id, quoted: id }, where);
      return refuse(reply, ABSENCES[kind].status, ABSENCES[kind].code, message);
    }
    const released = quarantine.release(type, id);
    return released === undefined
      ? refuse(reply, 404, "not_found", `${type.name} '${id.slice(0, 128)}' is not quarantined`)
      : reply.send(released);
  };
  for (const type of types) {
    app.post(`/api/${type.collection}/:id/release`, { onRequest: onlyOurPage(guard) }, async (request, reply) =>
      release(type, (request.params as { id: string }).id, reply),
    );
  }
}
