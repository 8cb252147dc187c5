import { messageOf } from "./api.js";
import { h, write } from "./dom.js";

/** @typedef {string | null} Cursor null is the first page */

/**
 * One page of a list at a time, there and back again. Only the latest question is answered: what was asked before it is
 * given up.
 *
 * @template {{ readonly next: Cursor }} Page
 * @param {object} options
 * @param {(cursor: Cursor, signal: AbortSignal) => Promise<Page>} options.read
 * @param {(page: Page, number: number) => string} options.show shows a page and says in a line what it is
 */
export function createPager({ read, show }) {
  const note = h("p.note", { role: "status" });
  const previous = h("button", { type: "button", click: () => void load(cursors.slice(0, -1)) }, "Previous");
  const next = h("button", { type: "button", click: () => void load([...cursors, following]) }, "Next");
  const refresh = h("button", { type: "button", click: () => void load(cursors) }, "Refresh");
  /** @type {Cursor[]} where each page up to this one began */
  let cursors = [null];
  /** @type {Cursor} */
  let following = null;
  let asking = new AbortController();
  /** @type {Cursor[] | null} what was asked for and not answered */
  let failed = null;

  /** @param {Cursor[]} wanted */
  async function load(wanted) {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    failed = null;
    try {
      const page = await read(wanted.at(-1) ?? null, signal);
      if (signal.aborted) return;
      cursors = wanted;
      following = page.next;
      write(note, show(page, wanted.length));
    } catch (error) {
      if (signal.aborted) return;
      failed = wanted;
      write(note, messageOf(error));
    }
    previous.disabled = cursors.length < 2;
    next.disabled = following === null;
  }

  return {
    element: h("div.pager", note, previous, next, refresh),
    /** Shows the first page. */
    restart: () => load([null]),
    /** Asks again for a page that could not be shown. */
    again() {
      if (failed !== null) void load(failed);
    },
  };
}
