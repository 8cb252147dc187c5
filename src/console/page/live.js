/** @import { Pulse } from "./types.d.ts" */

/**
 * Listens to what the daemon tells every second, except while nobody looks at the page.
 *
 * @param {string} type name of the actor type
 * @param {(pulse: Pulse) => void} onPulse
 * @param {() => void} onSilence told when the connection is lost; it is tried again
 * @returns {() => void} ends it
 */
export function follow(type, onPulse, onSilence) {
  /** @type {EventSource | undefined} */
  let source;

  function sync() {
    if (document.hidden) {
      source?.close();
      source = undefined;
    } else source ??= open();
  }

  function open() {
    const opened = new EventSource(`/api/live?type=${encodeURIComponent(type)}`);
    opened.addEventListener("message", ({ data }) => onPulse(JSON.parse(data)));
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
    source?.close();
    source = undefined;
  };
}
