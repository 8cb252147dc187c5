import { MsgHdrsImpl } from "@nats-io/nats-core/internal";
import type { MsgHdrs } from "@nats-io/transport-node";
import { MAX_HEADERS } from "../flow/decode.ts";
import type { StoredMessage } from "../flow/delivery.ts";
import { firstHeader, LEFT_OUT } from "../wire/headers.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const decode = MsgHdrsImpl.decode;

const VERSION = "NATS/1.0";
const READABLE_NAME = /^[!-9;-~]*$/;
/** What the server puts behind a message's own headers when it hands it out; whatever a publisher wrote there is a lie. */
const SERVER_HEADERS: ReadonlySet<string> = new Set(
  [
    "Stream",
    "Subject",
    "Sequence",
    "Time-Stamp",
    "Num-Pending",
    "Last-Sequence",
    "UpTo-Sequence",
    "Pin-Id",
    "Msg-Size",
  ].map((name) => `Nats-${name}`),
);
/** Of a message with many headers. */
interface Size {
  readonly bytes: number;
  /** When there are more than are read; the server's are not counted. */
  readonly count: number | undefined;
}

const PINNED = `${VERSION}\r\nNats-Pin-Id: `;
const PINNED_BYTES = 128;
const MOST_PINS = 256;
/** By their text: all that a consumer with a pin delivers has the same, where its publisher has set none. */
const pinned = new Map<string, MsgHdrsImpl>();

const FEW_BYTES = 1024;
const sizeOf = new WeakMap<MsgHdrs, Size>();

/**
 * Makes the client read headers by {@link readHeaderBlock}, on every connection and from every answer.
 *
 * nats-core 3.4 takes time that grows with the square of their number: 381 ms for the 9,000 that fit into one message,
 * so that a few hundred messages of one publisher stop every partition for minutes. And what it cannot read, such as a
 * name with a space in it, it throws on where nothing catches, in the loop that reads the socket, which then ends.
 */
export function guardHeaders(): void {
  MsgHdrsImpl.decode = readHeaderBlock;
}

/**
 * Reads the headers of one message in a time that grows with their bytes.
 *
 * Of more than {@link MAX_HEADERS} it keeps the first so many and the server's own, which come last. Lines it cannot
 * read are passed over: the message itself is judged by its body as any other.
 */
export function readHeaderBlock(bytes: Uint8Array): MsgHdrsImpl {
  const text = DECODER.decode(bytes);
  if (bytes.length > PINNED_BYTES || !text.startsWith(PINNED)) return readText(text, bytes.length);
  const known = pinned.get(text);
  if (known !== undefined) return known;
  const found = readText(text, bytes.length);
  if (pinned.size === MOST_PINS) pinned.clear();
  if (found.headers.size === 1) {
    pinned.set(text, found);
    readOnce.set(found, read(found));
  }
  return found;
}

function readText(text: string, bytes: number): MsgHdrsImpl {
  const [version, from] = lineAt(text, 0);
  const found = version === VERSION ? new MsgHdrsImpl() : decode(ENCODER.encode(version));
  const last: string[] = [];
  let count = 0;
  for (let at = from; at < text.length; ) {
    const [line, next] = lineAt(text, at);
    at = next;
    if (line === "") continue;
    if (line.startsWith("Nats-") && SERVER_HEADERS.has(line.slice(0, line.indexOf(":")))) {
      last.push(line);
      if (last.length > SERVER_HEADERS.size) last.shift();
    } else if (++count <= MAX_HEADERS) add(found, line);
  }
  for (const line of last) add(found, line);
  if (bytes > FEW_BYTES || count > MAX_HEADERS) {
    sizeOf.set(found, { bytes, count: count > MAX_HEADERS ? count : undefined });
  }
  return found;
}

/** @returns the line and where the next one begins. */
function lineAt(text: string, at: number): readonly [string, number] {
  const end = text.indexOf("\r\n", at);
  return end === -1 ? [text.slice(at), text.length] : [text.slice(at, end), end + 2];
}

function add({ headers }: MsgHdrsImpl, line: string): void {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1).trim();
  if (colon === -1 || !READABLE_NAME.test(name) || /[\r\n]/.test(value)) return;
  const known = headers.get(name);
  if (known === undefined || SERVER_HEADERS.has(name)) headers.set(name, [value]);
  else known.push(value);
}

type ReadHeaders = Pick<StoredMessage, "header" | "headers" | "headerCount" | "headerBytes">;

/** One for all: thousands wait to be applied. */
const NONE: ReadHeaders = {
  header: () => undefined,
  headers: () => [],
  headerCount: undefined,
  headerBytes: undefined,
};

/** Of what is the same for many messages. */
const readOnce = new WeakMap<MsgHdrs, ReadHeaders>();

/** A message's headers, however it was read. What a publisher itself says of headers left out is not believed. */
export function readHeaders(found: MsgHdrs | undefined): ReadHeaders {
  return found === undefined ? NONE : (readOnce.get(found) ?? read(found));
}

function read(found: MsgHdrs): ReadHeaders {
  const size = sizeOf.get(found);
  const headerCount = size?.count;
  return {
    header: (name) => firstHeader(found, name),
    headers() {
      const own = [...found]
        .filter(([name]) => name !== LEFT_OUT)
        .flatMap(([name, values]) => values.map((value) => [name, value] as const));
      return headerCount === undefined ? own : [...own, [LEFT_OUT, String(headerCount - own.length)]];
    },
    headerCount,
    headerBytes: size?.bytes,
  };
}

/**
 * Headers of a message to be sent, each name once. The client's `set` goes through all there are for each: of a decision 2 us,
 * and half of all garbage that publishing it leaves.
 *
 * @throws when a value has more than one line.
 */
export function headersOf(values: Readonly<Record<string, string>>): MsgHdrs {
  const made = new MsgHdrsImpl();
  for (const [name, value] of Object.entries(values)) made.headers.set(name, [MsgHdrsImpl.validHeaderValue(value)]);
  return made;
}
