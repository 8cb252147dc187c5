import { MsgHdrsImpl } from "@nats-io/nats-core/internal";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const decode = MsgHdrsImpl.decode;

/**
 * Makes the client pass over header lines it cannot read, such as a name with a space in it.
 *
 * nats-core 3.4 throws on them where nothing catches: in the loop that reads the socket, which then ends. One message
 * of one publisher would stop every partition, again after every restart, and nobody would be told. The message itself
 * is judged by its body as any other.
 */
export function tolerateUnreadableHeaders(): void {
  MsgHdrsImpl.decode = (bytes: Uint8Array) => {
    try {
      return decode(bytes);
    } catch {
      const [version = "", ...lines] = DECODER.decode(bytes).split("\r\n");
      const readable = lines.filter((line) => isReadable(version, line));
      return decode(ENCODER.encode([version, ...readable, "", ""].join("\r\n")));
    }
  };
}

function isReadable(version: string, line: string): boolean {
  try {
    decode(ENCODER.encode(`${version}\r\n${line}\r\n\r\n`));
    return true;
  } catch {
    return false;
  }
}
