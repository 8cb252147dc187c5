import { findServerBinary } from "../src/nats-server/binary.ts";

/** Every test file with a real nats-server finds it in the cache. */
export async function setup(): Promise<void> {
  await findServerBinary({ env: process.env, onProgress: (message) => process.stderr.write(`${message}\n`) });
}
