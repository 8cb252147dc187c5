import { readFileSync } from "node:fs";

/** What a variable of the environment says of a setting. */
export interface Given {
  /** Undefined when it says nothing. */
  readonly text: string | undefined;
  readonly source: "env" | "file" | "default";
}

/** Secrets may be in files, as containers mount them: `NATSTATE_HTTP_TOKEN_FILE`. */
export function fileVariable(name: string): string {
  return `${name}_FILE`;
}

/** Reads a setting's variable. An empty one is not set. */
export function readGiven(env: NodeJS.ProcessEnv, name: string): Given {
  const text = isInjected(name, env[name]) ? undefined : env[name];
  return text ? { text, source: "env" } : { text: undefined, source: "default" };
}

/**
 * Reads a secret's variable, else the file that is named for it, without the line break at its end. What a file lacks or
 * keeps to itself is not set either: that it does is said where all paths are looked at.
 */
export function readSecret(env: NodeJS.ProcessEnv, name: string): Given {
  const given = readGiven(env, name);
  const path = env[fileVariable(name)];
  if (given.source === "env" || !path) return given;
  try {
    const content = readFileSync(path, "utf8").replace(/\r?\n$/, "");
    return { text: content.trim() === "" ? undefined : content, source: "file" };
  } catch {
    return { text: undefined, source: "file" };
  }
}

/** By the names that docker links had: `<SERVICE>_SERVICE_HOST`, `<SERVICE>_PORT_8484_TCP_ADDR` and their like. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/**
 * Has Kubernetes set a variable, for a Service whose name begins with `natstate`? They may have the name of a setting,
 * as `NATSTATE_NATS_PORT` for a Service `natstate-nats`, but never its value.
 *
 * Source: Kubernetes documentation, Service, "Discovering services".
 */
export function isInjected(name: string, value: string | undefined): boolean {
  return SERVICE_LINK.test(name) || (/_PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value ?? ""));
}

/** Variables that are none of ours, though their names begin as ours do. */
export function injectedVariables(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith("NATSTATE_") && isInjected(name, env[name]))
    .sort();
}
