import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";
import { canLock, layOutImage, makeVolume, startLocked } from "./locked.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

it.skipIf(!canLock())(
  "the image's commands run as its user, with no privilege and only the volume writable",
  async () => {
    await using server = await startTestServer();
    const image = layOutImage();
    const volume = makeVolume();
    const token = join(image.directory, "http-token");
    writeFileSync(token, TOKEN, { mode: 0o644 });
    const env = {
      ...Object.fromEntries(Object.entries(image.env).map(([name, value]) => [name, value.replace("/data", volume)])),
      NATSTATE_HTTP: `${image.env.NATSTATE_HTTP?.split(":")[0]}:0`,
      NATSTATE_HTTP_TOKEN_FILE: token,
      NATS_URL: server.url,
    };
    const run = (command: readonly string[]) => startLocked(command, image, env, [volume]);
    const daemon = run(image.start);
    try {
      const httpUrl = await until(
        "it is up",
        () => readHttpUrl(volume) ?? (daemon.output().includes("rror") ? Promise.reject(daemon.output()) : false),
      );
      const url = httpUrl.replace("0.0.0.0", "127.0.0.1");
      await until("it is ready", async () => (await fetch(`${url}/readyz`)).ok);
      const health = run(image.healthCheck);
      expect(await health.exited, health.output()).toBe(0);
      const elsewhere = run(["sh", "-c", `touch ${image.directory}/x ${tmpdir()}/natstate-x "$HOME/x" || exit 7`]);
      expect(await elsewhere.exited, elsewhere.output()).toBe(7);
      expect(statSync(join(volume, "natstate.db")).uid).toBe(1000);

      daemon.signal("SIGTERM");
      expect(await daemon.exited, daemon.output()).toBe(0);
      const lines = daemon.output().split("\n").filter(Boolean);
      expect(lines.filter((line) => JSON.parse(line).level !== "info")).toEqual([]);
    } finally {
      try {
        daemon.signal("SIGKILL");
      } catch {
        // It has ended.
      }
      for (const path of [image.directory, volume]) rmSync(path, { recursive: true });
    }
  },
);

function readHttpUrl(volume: string): string | undefined {
  try {
    return JSON.parse(readFileSync(join(volume, "natstate.json"), "utf8")).httpUrl;
  } catch {
    return undefined;
  }
}
