import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { type Authenticator, credsAuthenticator, type NodeConnectionOptions } from "@nats-io/transport-node";

/** How natstate proves to NATS who it is, and knows the server for the one it means. */
export interface NatsAccess {
  /** Path of a `.creds` file, or what was read from it and will be again. */
  readonly creds?: string | Authenticator | undefined;
  /** What the subjects begin with on which answers are awaited; `_INBOX` when absent. Permissions can be tied to it. */
  readonly inboxPrefix?: string | undefined;
  /** Paths of PEM files. When set, a server without TLS is refused before it is told any password. */
  readonly tls?: TlsFiles | undefined;
}

/** PEM files: who signs the server's certificate, and our own certificate for servers that verify their clients. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** URL parts: scheme with `://`, user information without `@`, the rest. Up to the last @, as passwords may hold one. */
const URL_PARTS = /^([a-z]+:\/\/)?(?:(.*)@)?(.*)$/i;

/**
 * What the client needs to know of one or more URLs and of how they are accessed. It reads no user information in URLs
 * itself, and of IP addresses it would check the certificate for `localhost`.
 *
 * @param urls - comma-separated; of several the first user information counts for all. `user:password@` or `token@`,
 *   percent-encoded where it holds a `/` or a comma. The scheme `tls://` asks for TLS.
 * @throws Error when the credentials cannot be read.
 */
export function accessOptions(urls: string, access: NatsAccess): NodeConnectionOptions {
  const { creds, inboxPrefix, tls } = access;
  const parts = urls.split(",").map((url) => {
    const [, scheme = "", userinfo, host = ""] = URL_PARTS.exec(url.trim()) ?? [];
    return { scheme: scheme.toLowerCase(), userinfo, host };
  });
  const userinfo = parts.find((part) => part.userinfo !== undefined)?.userinfo;
  const wantsTls = tls !== undefined || parts.some(({ scheme }) => scheme === "tls://");
  return {
    servers: parts.map(({ scheme, host }) => scheme + host),
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    ...(userinfo === undefined ? {} : readUserinfo(userinfo)),
    ...(creds === undefined ? {} : { authenticator: typeof creds === "string" ? fileAuthenticator(creds) : creds }),
    ...(wantsTls
      ? {
          tls: tlsOptions(
            tls ?? {},
            parts.map(({ host }) => nameOf(host)),
          ),
        }
      : {}),
  };
}

function readUserinfo(userinfo: string): { user: string; pass: string } | { token: string } {
  const [first = "", ...rest] = userinfo.split(":");
  return rest.length === 0 ? { token: decode(first) } : { user: decode(first), pass: decode(rest.join(":")) };
}

/** A password with a lone % is taken as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function tlsOptions({ ca, cert, key }: TlsFiles, names: readonly string[]) {
  const addresses = names.filter((name) => isIP(name) !== 0);
  return {
    // By name: the client reads them at every connect, so that renewed ones are taken up.
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(cert === undefined ? {} : { certFile: cert }),
    ...(key === undefined ? {} : { keyFile: key }),
    minVersion: "TLSv1.2",
    // Node asks about "localhost" when the client has connected to an address.
    checkServerIdentity(name: string, certificate: PeerCertificate): Error | undefined {
      const meant = name === "localhost" && !names.includes(name) && addresses.length > 0 ? addresses : [name];
      const errors = meant.map((wanted) => checkServerIdentity(wanted, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
}

/** `[::1]:4222` is about `::1`. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

/**
 * Who we are, read from a `.creds` file at every connect, so that a renewed file is taken up. While it cannot be read,
 * as when it is just being replaced, the one of before is shown: to throw would end the connection for good.
 *
 * @throws Error naming the file, when it cannot be read the first time.
 */
export function fileAuthenticator(path: string): Authenticator {
  let last = readCreds(path);
  return (nonce) => {
    try {
      last = readCreds(path);
    } catch {
      // The server says whether those of before still count.
    }
    return last(nonce);
  };
}

/** The client's own reader wants line feeds only, one at the end as well, and no blanks behind the dashes. */
function readCreds(path: string): Authenticator {
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
