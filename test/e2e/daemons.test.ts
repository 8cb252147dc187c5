import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import { freePort } from "../../src/nats-server/ready.ts";
import { aMember } from "../members/a-member.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";

it("daemons are listed also where JetStream does not answer, as while a cluster has no leader", async () => {
  const { path } = await findServerBinary({ env: process.env });
  const port = await freePort();
  const server = spawn(path, ["-a", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  try {
    const url = `nats://127.0.0.1:${port}`;
    const nc = await until("it is up", () => connect({ servers: url }).catch(() => undefined));
    const told = JSON.stringify(aMember("a"));
    nc.subscribe("natstate.daemons", { callback: (_, message) => void message.respond(told) });
    await nc.flush();
    const { code, stdout, stderr } = await runCli(["daemons", "--json", "--nats", url], {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout).daemons).toMatchObject([{ id: "a" }]);
    await nc.close();
  } finally {
    const exited = once(server, "exit");
    server.kill("SIGKILL");
    await exited;
  }
});
