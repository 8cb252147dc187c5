import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { FetchRequest } from "./release.ts";

/** The first Debian release whose nats-server is new enough; the binary is static and runs on older ones. */
const suite = "forky";
const keyrings = ["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"];

/**
 * Fetches nats-server from Debian's own archive into `workDir`, without root and without touching the system's lists:
 * a private sources entry for the mirror this machine's apt is set up for, its signature checked against the installed
 * Debian keyring.
 *
 * @returns the path of the executable; not yet run.
 * @throws Error when this is no Debian, or its mirror has no such package; apt's own words are in the message.
 */
export async function fetchDebianPackage({ env, workDir, onProgress }: FetchRequest): Promise<string> {
  const keyring = keyrings.find((path) => existsSync(path));
  if (!keyring) throw new Error(`not a Debian system: no ${keyrings[0]}`);
  const run: Run = (file, args) => runIn(workDir, env, file, args);
  const mirrors = await debianMirrors(run);
  if (mirrors.length === 0) throw new Error("apt is set up for no Debian mirror");

  const sources = mirrors.map((mirror) => `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  await writeFile(join(workDir, "sources.list"), sources.join(""));
  for (const directory of ["lists/partial", "cache/archives/partial"])
    await mkdir(join(workDir, directory), { recursive: true });
  const apt = privateAptOptions(workDir);
  onProgress(`reading Debian ${suite}'s package list from ${mirrors.join(", ")}`);
  // One of several mirrors may fail (another vendor's, without this suite) while another has the package.
  const update = await run("apt-get", [...apt, "update"]).catch((error: Error) => error);
  onProgress(`downloading Debian ${suite}'s package nats-server`);
  await run("apt-get", [...apt, "download", "nats-server"]).catch((error: Error) => {
    throw update instanceof Error ? update : error;
  });

  const archive = (await readdir(workDir)).find((name) => name.endsWith(".deb"));
  if (!archive) throw new Error("apt-get download left no package");
  await run("dpkg", ["-x", archive, "root"]);
  const places = ["sbin", "bin"].map((bin) => join(workDir, "root/usr", bin, "nats-server"));
  const executable = places.find((path) => existsSync(path));
  if (!executable) throw new Error(`${archive} holds no nats-server`);
  return executable;
}

type Run = (file: string, args: string[]) => Promise<string>;

/** @returns what it printed. @throws Error with its own words, without the long command line. */
async function runIn(cwd: string, env: NodeJS.ProcessEnv, file: string, args: string[]): Promise<string> {
  try {
    const options = { cwd, env: { ...env, LC_ALL: "C" }, timeout: 300_000, maxBuffer: 16 * 1024 * 1024 };
    return (await promisify(execFile)(file, args, options)).stdout;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw new Error(`no ${file} on PATH`);
    if (!(error instanceof Error && "stderr" in error) || !error.stderr) throw error;
    throw new Error(`${file} failed: ${String(error.stderr).trim().split("\n").slice(-4).join(" ")}`);
  }
}

/** The repositories apt is set up to take this release's main component from; security archives have no other suites. */
async function debianMirrors(run: Run): Promise<string[]> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(release)?.[1];
  const suites = [codename, "oldstable", "stable", "testing", "unstable", "sid"];
  const listed = await run("apt-get", [
    "indextargets",
    "--no-release-info",
    "--format",
    "$(REPO_URI) $(RELEASE) $(COMPONENT)",
    "Created-By: Packages",
  ]);
  const targets = listed.split("\n").map((line) => line.split(" "));
  const main = targets.filter(([, target, component]) => suites.includes(target) && component === "main");
  return [...new Set(main.flatMap(([uri]) => uri ?? []))];
}

/** Proxies and logins stay the system's; what is trusted, and every file written, is ours. */
function privateAptOptions(workDir: string): string[] {
  const settings = {
    "Dir::Etc::sourcelist": join(workDir, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::Lists": join(workDir, "lists"),
    "Dir::Cache": join(workDir, "cache"),
    "Acquire::AllowInsecureRepositories": "false",
    "Acquire::AllowWeakRepositories": "false",
    "Acquire::AllowDowngradeToInsecureRepositories": "false",
    "APT::Get::AllowUnauthenticated": "false",
    // Run by root, apt would download as a user that cannot write to our directory.
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": "1",
    "Acquire::http::Timeout": "10",
    "Acquire::https::Timeout": "10",
  };
  return ["-q", ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`])];
}
