import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments, parseDocument } from "yaml";

export const ROOT = join(import.meta.dirname, "../..");
/** Where the examples of deployments are. */
export const DEPLOY = join(ROOT, "examples/deploy");

export function readDeploy(name: string): string {
  return readFileSync(join(DEPLOY, name), "utf8");
}

/** compose.yaml as compose reads it: anchors merged. Variables stay as they are written. */
export function readCompose(): Compose {
  return parseDocument(readDeploy("compose.yaml"), { merge: true, strict: true }).toJS();
}

export interface Compose {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export interface ComposeService {
  readonly image: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly secrets?: readonly (string | { readonly source: string; readonly target: string })[];
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
}

/** The objects of kubernetes.yaml. */
// biome-ignore lint/suspicious/noExplicitAny: their types are what the compiler holds them against
export function readKubernetes(): any[] {
  return parseAllDocuments(readDeploy("kubernetes.yaml")).map((document) => document.toJS());
}

/** One instruction of the Dockerfile; what is after `COPY --from=` and the like is in its arguments. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The instructions of the Dockerfile, by stage. */
export function readDockerfile(): Instruction[][] {
  const stages: Instruction[][] = [];
  for (const line of readDeploy("Dockerfile").split("\n")) {
    const [, name = "", text = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === "FROM") stages.push([]);
    if (name !== "") stages.at(-1)?.push({ name, text });
  }
  return stages;
}
