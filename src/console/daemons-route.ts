import type { FastifyInstance } from "fastify";
import type { Member } from "../members/member.ts";
import { overviewOf } from "../members/overview.ts";

/** Who is there. */
export interface DaemonSources {
  /** Each as it has said last. Absent: nobody asks. */
  readonly daemons?: () => readonly Member[];
}

/** `/api/daemons`: the daemons that share the partitions, and who reads what. */
export function addDaemonsRoute(app: FastifyInstance, { daemons = () => [] }: DaemonSources): void {
  app.get("/api/daemons", (_request, reply) => reply.send(overviewOf(daemons())));
}
