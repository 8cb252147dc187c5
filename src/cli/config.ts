import type { Command } from "commander";
import { describeConfig, readConfig } from "../config/config.ts";
import { withExamples } from "./arguments.ts";
import { print, printJson, table } from "./output.ts";

/** Adds `natstate config`: the effective configuration. */
export function addConfig(program: Command): void {
  const command = program
    .command("config")
    .description("Show every setting, its value and what it does; secrets are masked. Exit code 2 when one is wrong.")
    .option("--json", "print JSON")
    .action(({ json }: { json?: boolean }) => {
      readConfig(process.env);
      const effective = describeConfig(process.env);
      if (json) printJson({ settings: effective });
      else {
        const rows = effective.map(({ name, value, source, help }) => [name, value || "-", source, help]);
        print(table(["setting", "value", "from", "what it does"], rows));
      }
    });
  withExamples(command, [
    ["npx natstate config", "for a person"],
    ["npx natstate config --json", "for a script"],
  ]);
}
