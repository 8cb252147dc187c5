import { readFileSync } from "node:fs";
import { type Authenticator, credsAuthenticator } from "@nats-io/transport-node";

/**
 * Who we are, read from a `.creds` file at every connect, so that a renewed file is taken up. While it cannot be read,
 * as when it is just being replaced, the one of before is shown: to throw would end the connection for good.
 *
 * @throws Error naming the file, when it cannot be read the first time.
 */
export function fileAuthenticator(path: string): Authenticator {
  let last = read(path);
  return (nonce) => {
    try {
      last = read(path);
    } catch {
      // The server says whether those of before still count.
    }
    return last(nonce);
  };
}

/** The client's own reader wants line feeds only, one at the end as well, and no blanks behind the dashes. */
function read(path: string): Authenticator {
  const text = readFileSync(path, "utf8");
  const plain = `${text.replace(/^\uFEFF/, "").replace(/[ \t]*\r?(\n|\r|$)/g, "\n")}\n`;
  const authenticator = credsAuthenticator(Buffer.from(plain));
  try {
    // Without a nonce nothing is signed, but everything is read.
    authenticator();
  } catch (error) {
    throw new Error(
      `${path} is no .creds file: expected a user's JWT and its seed, each between lines of dashes, as nsc and nats auth write it`,
      { cause: error },
    );
  }
  return authenticator;
}
