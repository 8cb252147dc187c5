import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { afterAll, expect, it } from "vitest";
import { accessOptions, fileAuthenticator } from "../../src/jetstream/access.ts";
import { readCredentials } from "../../src/jetstream/connect.ts";

const directory = mkdtempSync(join(tmpdir(), "natstate-creds-"));
afterAll(() => rmSync(directory, { recursive: true }));

const user = nkeys.createUser();
const seed = new TextDecoder().decode(user.getSeed());

function creds(jwt: string): string {
  const section = (title: string, what: string) => `-----BEGIN ${title}-----\n${what}\n------END ${title}------\n`;
  return `${section("NATS USER JWT", jwt)}\n${section("USER NKEY SEED", seed)}`;
}

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const whole = creds("eyJh.eyJi.c2ln");

it.each([
  ["as nsc writes it", whole],
  ["with CRLF", whole.replaceAll("\n", "\r\n")],
  ["without a last newline", whole.trimEnd()],
  ["with CRLF and without a last newline", whole.trimEnd().replaceAll("\n", "\r\n")],
  ["with a byte order mark and blanks at the ends of lines", `\uFEFF${whole.replaceAll("\n", " \t\n")}`],
])("a .creds file %s is read", (name, text) => {
  const authenticator = fileAuthenticator(write(name, text));
  expect(authenticator("nonce")).toMatchObject({
    jwt: "eyJh.eyJi.c2ln",
    nkey: user.getPublicKey(),
    sig: expect.stringMatching(/\S/),
  });
});

it.each([
  ["empty", ""],
  ["a JWT only", whole.slice(0, whole.indexOf("\n\n"))],
  ["with a seed that is none", whole.replace(seed, "SUAGEHEIM")],
])("a file that is no .creds file (%s) is named, and nothing of it is told", (name, text) => {
  const path = write(`broken ${name}`, text);
  expect(() => fileAuthenticator(path)).toThrow(`${path} is no .creds file`);
  expect(() => fileAuthenticator(path)).not.toThrow(/GEHEIM/);
});

it("a renewed file is taken up, and half a one does not count until it is whole", () => {
  const path = write("renewed", whole);
  const authenticator = fileAuthenticator(path);
  writeFileSync(path, whole.slice(0, 60));
  expect(authenticator("nonce")).toMatchObject({ jwt: "eyJh.eyJi.c2ln" });
  rmSync(path);
  expect(authenticator("nonce")).toMatchObject({ jwt: "eyJh.eyJi.c2ln" });
  writeFileSync(path, creds("eyJh.eyJi.bmV3"));
  expect(authenticator("nonce")).toMatchObject({ jwt: "eyJh.eyJi.bmV3" });
});

it("a start that waits for NATS goes on with the credentials it has read while the file is replaced", () => {
  const creds = write("replaced", whole);
  const access = readCredentials({ creds });
  rmSync(creds);
  for (let attempt = 0; attempt < 2; attempt++) {
    const { authenticator } = accessOptions("nats://127.0.0.1", readCredentials(access));
    expect([authenticator].flat()[0]?.("nonce")).toMatchObject({ jwt: "eyJh.eyJi.c2ln" });
  }
  expect(() => readCredentials({ creds })).toThrow(/^NATS_CREDS: .*replaced/);
});
