import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";

/** Where Stately's inspector is. */
export const STATELY_ORIGIN = "https://stately.ai";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>natstate: Stately inspector</title>
    <style nonce="NONCE">
      html, body { height: 100%; margin: 0; font: 14px system-ui, sans-serif; }
      body { display: flex; flex-direction: column; }
      p { margin: 0; padding: 6px 12px; }
      iframe { flex: 1; border: 0; }
    </style>
  </head>
  <body>
    <p id="told">Waiting for stately.ai</p>
    <iframe src="${STATELY_ORIGIN}/inspect" title="Stately inspector"></iframe>
    <script nonce="NONCE">
      const told = document.querySelector("#told");
      const frame = document.querySelector("iframe");
      const waiting = [];
      let isReady = false;
      let sent = 0;
      const say = (text) => { told.textContent = text; };
      const pass = (message) => {
        frame.contentWindow.postMessage(message, "${STATELY_ORIGIN}");
        say(++sent + " messages handed to stately.ai in this frame");
      };
      addEventListener("message", ({ origin, data }) => {
        if (origin !== "${STATELY_ORIGIN}" || data?.type !== "@statelyai.connected") return;
        isReady = true;
        waiting.splice(0).forEach(pass);
      });
      const socket = new WebSocket("ws://" + location.host + "/");
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (isReady) pass(message);
        else waiting.push(message);
      };
      socket.onclose = ({ reason }) => say("natstate inspect has ended. " + reason);
    </script>
  </body>
</html>
`;

/**
 * Answers with a page that frames Stately's hosted inspector and hands it what the relay says: the one thing here that
 * gives data to somebody else, so it is only served when asked for.
 */
export function sendStatelyPage(response: ServerResponse): void {
  const nonce = randomBytes(16).toString("base64");
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    `frame-src ${STATELY_ORIGIN}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.join("; "),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(PAGE.replaceAll("NONCE", nonce));
}

/** Opens a page in the user's browser, if a person at a desktop has asked. @returns was it tried? */
export function openInBrowser(url: string, env: NodeJS.ProcessEnv): boolean {
  const program = browserProgram(env);
  if (program === undefined || !process.stdout.isTTY) return false;
  const child = spawn(program, [url], { stdio: "ignore", detached: true });
  // There is no such program: the URL was printed as well.
  child.on("error", () => {});
  child.unref();
  return true;
}

function browserProgram({ DISPLAY, WAYLAND_DISPLAY }: NodeJS.ProcessEnv): string | undefined {
  if (process.platform === "darwin") return "open";
  if (process.platform === "win32") return "explorer.exe";
  return DISPLAY || WAYLAND_DISPLAY ? "xdg-open" : undefined;
}
