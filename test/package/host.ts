import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { publishEvent } from "natstate/client";
import { startDaemon } from "natstate/daemon";
import { lamp } from "./lamp.ts";

// A program that hosts the daemon itself, in a project of its own. Copied there by own-project.slow.test.ts.
const daemon = await startDaemon({ actors: [lamp] });
const nc = await connect({ servers: daemon.natsUrl });
await publishEvent(jetstream(nc), lamp, { eventType: "LampLit", lampId: "attic", watts: 9 });
await nc.close();
let state: unknown;
for (let tries = 0; state !== "bright" && tries < 500; tries++) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const answer = await fetch(`${daemon.httpUrl}/api/lamps/attic`);
  if (answer.ok) state = ((await answer.json()) as { state: unknown }).state;
}
const { ready, fatal } = daemon.health();
await daemon.stop();
process.stdout.write(`attic is ${state}, ready ${ready}, ${fatal ?? "nothing fatal"}\n`);

export function wrong() {
  // @ts-expect-error no actor types
  startDaemon({});
  // @ts-expect-error no actor type
  startDaemon({ actors: [{ name: "lamp" }] });
  // @ts-expect-error a setting is text
  startDaemon({ actors: [lamp], env: { NATSTATE_NATS_PORT: 4222 } });
}
