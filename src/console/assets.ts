import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

/**
 * The page's own files and nothing else: no inline script or style, no request to anywhere else, and no text that
 * becomes markup (Trusted Types without a policy refuse every assignment to innerHTML).
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const DIRECTORY = join(import.meta.dirname, "page");
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const TOKEN_PLACE = '<meta name="natstate-token" content="">';
const PRELOAD_PLACE = "<!-- preload -->";

/**
 * Reads the page once. `index.html` is under `/`, with the token in its head and all modules named, so that the
 * browser asks for them at once; everything else is under `/console/`.
 *
 * @param token - URL-safe base64.
 */
export function readAssets(token: string) {
  const names = readdirSync(DIRECTORY).filter((name) => extname(name) in TYPES);
  const modules = names.filter((name) => name.endsWith(".js"));
  const preload = modules.map((name) => `<link rel="modulepreload" href="/console/${name}">`).join("\n    ");
  return names.map((name) => {
    const file = readFileSync(join(DIRECTORY, name));
    const contentType = TYPES[extname(name)] ?? "";
    if (name !== "index.html") return { path: `/console/${name}`, contentType, body: file };
    const html = file
      .toString("utf8")
      .replace(TOKEN_PLACE, TOKEN_PLACE.replace('content=""', `content="${token}"`))
      .replace(PRELOAD_PLACE, preload);
    return { path: "/", contentType, body: Buffer.from(html) };
  });
}
