import { type Command, Option } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { asyncApi } from "../wire/asyncapi.ts";
import { contractDocument } from "../wire/json-schemas.ts";
import { withExamples } from "./arguments.ts";
import { addSystemOption, findType, typeOption } from "./asking.ts";
import { printJson } from "./output.ts";

const FORMATS = ["json-schema", "asyncapi"] as const;

/** Adds `natstate schema`: the contract, for other programs. */
export function addSchema(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("schema")
    .description("Print the wire contract: JSON Schemas of events and decisions, or all of it as AsyncAPI 3.0.")
    .addOption(new Option("--format <format>", "what to print").choices([...FORMATS]).default("json-schema"))
    .addOption(typeOption(types))
    .option("--json", "print JSON, which either format is")
    .action(({ format, type: name }: { format: (typeof FORMATS)[number]; type: string }) => {
      const type = findType(types, name);
      printJson(format === "asyncapi" ? asyncApi(type, program.version() ?? "") : contractDocument(type));
    });
  addSystemOption(command);
  withExamples(command, [
    ["npx natstate schema > orders.schema.json", "JSON Schema 2020-12, events and decisions under $defs"],
    ["npx natstate schema --format asyncapi > asyncapi.json", "subjects, messages and headers"],
  ]);
}
