import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigError, describeConfig, readConfig } from "../../src/config/config.ts";
import { injectedVariables } from "../../src/config/environment.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-env-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

/** What Kubernetes gives every container for a Service. */
function service(name: string, port = "8484"): Record<string, string> {
  const prefix = name.toUpperCase().replaceAll("-", "_");
  return {
    [`${prefix}_SERVICE_HOST`]: "10.0.0.7",
    [`${prefix}_SERVICE_PORT`]: port,
    [`${prefix}_SERVICE_PORT_HTTP`]: port,
    [`${prefix}_PORT`]: `tcp://10.0.0.7:${port}`,
    [`${prefix}_PORT_${port}_TCP`]: `tcp://10.0.0.7:${port}`,
    [`${prefix}_PORT_${port}_TCP_PROTO`]: "tcp",
    [`${prefix}_PORT_${port}_TCP_PORT`]: port,
    [`${prefix}_PORT_${port}_TCP_ADDR`]: "10.0.0.7",
  };
}

test("what Kubernetes sets for Services is no setting, whatever it is named; what is misspelt still is", () => {
  const env = {
    ...service("natstate"),
    ...service("natstate-nats", "4222"),
    ...service("natstate-http"),
    ...service("nats"),
  };
  expect(readConfig(env)).toMatchObject({ NATSTATE_NATS_PORT: 4222, NATSTATE_HTTP: { port: 8484 } });
  expect(injectedVariables(env)).toHaveLength(24);
  expect(problemsOf({ ...env, NATSTATE_PORTS: "1", NATSTATE_PORT: "8484" })).toEqual([
    "NATSTATE_PORT: there is no such setting",
    "NATSTATE_PORTS: there is no such setting",
  ]);
});

test("secrets may be in files, and are shown to nobody", () => {
  const [token, url] = [join(dir, "token"), join(dir, "url")];
  writeFileSync(token, "correct-horse-battery\n");
  writeFileSync(url, "nats://me:geheim@10.0.0.5:4222\r\n");
  const env = { NATSTATE_HTTP: "0.0.0.0:8484", NATSTATE_HTTP_TOKEN_FILE: token, NATS_URL_FILE: url };
  expect(readConfig(env)).toMatchObject({
    NATSTATE_HTTP_TOKEN: "correct-horse-battery",
    NATS_URL: "nats://me:geheim@10.0.0.5:4222",
  });
  const shown = describeConfig(env);
  expect(shown).toContainEqual(expect.objectContaining({ name: "NATSTATE_HTTP_TOKEN", value: "***", source: "file" }));
  expect(JSON.stringify(shown)).not.toContain("geheim");
});

test("a secret's file that is missing, empty, wrong or one too many is named, without what it holds", () => {
  const [token, missing] = [join(dir, "short"), join(dir, "missing")];
  writeFileSync(token, "geheim");
  expect(problemsOf({ NATSTATE_HTTP: "0.0.0.0:8484", NATSTATE_HTTP_TOKEN_FILE: missing })).toEqual([
    `NATSTATE_HTTP_TOKEN_FILE: ${missing} is not there`,
  ]);
  const empty = join(dir, "empty");
  for (const content of ["", "\n", " \r\n\n"]) {
    writeFileSync(empty, content);
    for (const name of ["NATS_URL_FILE", "NATSTATE_HTTP_TOKEN_FILE", "NATS_CREDS", "NATSTATE_TLS_CA"]) {
      expect(problemsOf({ [name]: empty })).toEqual([`${name}: ${empty} is empty`]);
    }
  }
  expect(problemsOf({ NATSTATE_HTTP_TOKEN_FILE: token })).toEqual([
    "NATSTATE_HTTP_TOKEN: expected 16 to 256 printable characters without spaces, got ***",
  ]);
  expect(problemsOf({ NATSTATE_HTTP_TOKEN_FILE: token, NATSTATE_HTTP_TOKEN: "correct-horse-battery" })).toEqual([
    "NATSTATE_HTTP_TOKEN, NATSTATE_HTTP_TOKEN_FILE: expected one of them",
  ]);
  expect(problemsOf({ NATSTATE_DATA_FILE: token })).toEqual(["NATSTATE_DATA_FILE: there is no such setting"]);
});
