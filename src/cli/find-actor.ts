import type { ActorType } from "../actor/actor-type.ts";
import { QueryError } from "../answers/query-error.ts";
import type { QueryClient } from "../members/query-client.ts";
import { checkActorId, oneOf } from "./arguments.ts";
import { chosenTypes, type TypedOptions } from "./asking.ts";
import { CliError } from "./exit-codes.ts";
import { say } from "./output.ts";
import { withDaemons } from "./system.ts";

export interface FoundActor<Answer> {
  readonly type: ActorType;
  readonly found: Answer;
}

/**
 * Asks about one actor, of the type that is named, else of whichever type has one with that id; of several the first,
 * and it is said which others there are.
 *
 * @throws CliError `not_found` when none has.
 */
export async function askOne<Answer>(
  types: readonly ActorType[],
  id: string,
  { type: name, nats }: TypedOptions,
  ask: (queries: QueryClient, type: ActorType) => Promise<Answer | undefined>,
): Promise<FoundActor<Answer>> {
  const chosen = chosenTypes(types, name);
  const [of] = chosen;
  if (of !== undefined) checkActorId(of, id);
  const [first, ...others] = await withDaemons(nats, ({ queries }) => findAll(chosen, (type) => ask(queries, type)));
  if (others.length > 0) say(`there is also ${others.map(({ type }) => `a ${type.name} ${id}: --type ${type.name}`)}`);
  if (first !== undefined) return first;
  const why = "no event about it was ever applied. Ids are case-sensitive.";
  throw new CliError("not_found", `no ${oneOf(chosen)} ${id}: ${why}`);
}

/** Asks about an actor of each type; that it is retired is an answer only where there is no other. */
export async function findAll<Answer>(
  types: readonly ActorType[],
  ask: (type: ActorType) => Promise<Answer | undefined>,
): Promise<FoundActor<Answer>[]> {
  const all: FoundActor<Answer>[] = [];
  let retired: unknown;
  for (const type of types) {
    const found = await ask(type).catch((error: unknown) => {
      if (!(error instanceof QueryError && error.problem === "retired")) throw error;
      retired ??= error;
      return undefined;
    });
    if (found !== undefined) all.push({ type, found });
  }
  if (all.length === 0 && retired !== undefined) throw retired;
  return all;
}
