import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { findActor } from "../answers/find-actor.ts";
import type { QuarantineControl } from "../answers/quarantine.ts";
import { atOnce, inOne } from "../flow/pieces.ts";
import type { ChangeGuard } from "./guard.ts";
import { refuse, type Sources, tell } from "./routes.ts";

export interface ReleaseSources extends Pick<Sources, "types" | "queries" | "whereabouts" | "pastOf"> {
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
  const { types, queries, quarantine, whereabouts = () => "here", pastOf } = sources;
  if (quarantine === undefined) return;
  const places = { whereabouts, pastOf, retired: queries.retired };
  for (const type of types) {
    app.post(`/api/${type.collection}/:id/release`, { onRequest: onlyOurPage(guard) }, async (request, reply) => {
      const { id: actorId } = request.params as { id: string };
      const asked = { type, actorId, quoted: `'${actorId.slice(0, 128)}'`, among: "in quarantine" } as const;
      const released = tell(
        atOnce(
          findActor(
            places,
            asked,
            inOne(() => quarantine.release(type, actorId)),
          ),
        ),
      );
      if ("found" in released) return reply.send(released.found);
      const { status, code, message, more } = released;
      return reply.code(status).send({ error: { code, message }, ...more });
    });
  }
}
