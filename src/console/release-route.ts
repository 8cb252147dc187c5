import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { QuarantineControl } from "../answers/quarantine.ts";
import { createQuestions } from "../answers/questions.ts";
import { inOne } from "../flow/pieces.ts";
import { answer, askOne, refuse } from "./answering.ts";
import type { ChangeGuard } from "./guard.ts";
import type { Sources } from "./sources.ts";

export interface ReleaseSources extends Sources {
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
  const { types, quarantine, questions = createQuestions() } = sources;
  if (quarantine === undefined) return;
  const door = questions.door();
  for (const type of types) {
    app.post(`/api/${type.collection}/:id/release`, { onRequest: onlyOurPage(guard) }, async (request, reply) => {
      const { id } = request.params as { id: string };
      const find = inOne(() => quarantine.release(type, id));
      const asked = { question: "quarantine.release", find, among: "in quarantine" } as const;
      return answer(door, reply, {}, () => askOne(sources, type, id, asked));
    });
  }
}
