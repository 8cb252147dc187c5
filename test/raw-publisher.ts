import { once } from "node:events";
import { connect } from "node:net";

/** Publishes as no client would, and says when the server has taken it. `block` is the header block as on the wire. */
export async function publishRaw(url: string, subject: string, block: Uint8Array, body: string): Promise<void> {
  const { hostname, port } = new URL(url.includes("//") ? url : `nats://${url}`);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write('CONNECT {"verbose":false,"headers":true}\r\n');
  socket.write(`HPUB ${subject} ${block.length} ${block.length + Buffer.byteLength(body)}\r\n`);
  socket.write(Buffer.concat([block, Buffer.from(`${body}\r\nPING\r\n`)]));
  let answer = "";
  for await (const bytes of socket) {
    answer += bytes;
    if (answer.includes("-ERR")) throw new Error(answer);
    if (answer.includes("PONG")) return;
  }
}
