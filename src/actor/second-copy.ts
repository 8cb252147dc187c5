import { StateMachine } from "xstate";
import { z } from "zod";
import type { ActorType } from "./actor-type.ts";

/** What is looked at of a type whose machine and schemas may be of other copies of their packages. */
type Suspect = Pick<ActorType, "machine" | "events" | "decisions">;

/**
 * A machine of a second copy of XState is no machine to this one, and of another zod a schema cannot be told as JSON Schema.
 * npm installs a second copy where versions do not fit, or for a project that is linked. A second copy of the same version
 * of zod does no harm.
 *
 * @returns what is wrong, a line each, with what to do.
 */
export function findSecondCopies({ machine, events, decisions = {} }: Suspect): string[] {
  const remedy = (name: string) =>
    `there has to be one. Run in your project: npm ls ${name} (shows them), npm dedupe (leaves one)`;
  if (!(machine instanceof StateMachine)) {
    const isMachine = typeof (machine as { root?: unknown } | null)?.root === "object";
    if (!isMachine) return ["machine is none: expected what XState's createMachine gives"];
    return [`its machine is made with another copy of xstate than natstate's: ${remedy("xstate")}`];
  }
  const ours = shown(z.core.version);
  const schemas = Object.entries({ ...events, ...decisions });
  return schemas.flatMap(([name, schema]) => {
    const version = (schema as Partial<z.ZodType> | null)?._zod?.version;
    if (version === undefined) return [`${name} is no schema of zod 4: expected z.object({ ... })`];
    if (shown(version) === ours) return [];
    return [`${name} is made with zod ${shown(version)}, natstate's is ${ours}: ${remedy("zod")}`];
  });
}

function shown({ major, minor, patch }: typeof z.core.version): string {
  return [major, minor, patch].join(".");
}
