/** @import { Pulse } from "./types.d.ts" */

/** Nothing heard for so long: the daemon is away, even when the connection is not. */
const SILENCE_MS = 5000;

/**
 * Listens to what the daemon tells every second, except while nobody looks at the page.
 *
 * @param {string} type name of the actor type
 * @param {(pulse: Pulse) => void} onPulse
 * @param {() => void} onSilence told when nothing is heard any more; it is tried again
 * @returns {() => void} ends it
 */
export function follow(type, onPulse, onSilence) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;

  function sync() {
    if (document.hidden) end();
    else source ??= open();
  }

  function listen() {
    clearTimeout(silence);
    silence = setTimeout(onSilence, SILENCE_MS);
  }

  function end() {
    clearTimeout(silence);
    source?.close();
    source = undefined;
  }

  function open() {
    const opened = new EventSource(`/api/live?type=${encodeURIComponent(type)}`);
    listen();
    opened.addEventListener("message", ({ data }) => {
      listen();
      onPulse(JSON.parse(data));
    });
    opened.addEventListener("error", () => {
      onSilence();
      // The browser gives up on an answer that is no stream, such as "too many listeners".
      if (opened.readyState === EventSource.CLOSED && source === opened) {
        source = undefined;
        setTimeout(sync, 3000);
      }
    });
    return opened;
  }

  document.addEventListener("visibilitychange", sync);
  sync();
  return () => {
    document.removeEventListener("visibilitychange", sync);
    end();
  };
}
