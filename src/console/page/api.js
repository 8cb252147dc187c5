/** The daemon has answered that it cannot, or has not answered; the message is for a person. */
export class ApiError extends Error {
  /** @override */
  name = "ApiError";
}

/** @param {unknown} error @returns {string} for a person */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

const token = document.querySelector('meta[name="natstate-token"]')?.getAttribute("content") ?? "";

/**
 * Asks a question of the API.
 *
 * @template Answer
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export async function ask(path, signal) {
  return (await answerOf(path, signal === undefined ? {} : { signal })).json();
}

/**
 * Changes something.
 *
 * @template Answer
 * @param {string} path
 * @param {object} body
 * @returns {Promise<Answer>}
 */
export async function change(path, body) {
  const headers = { "content-type": "application/json", "x-natstate-token": token };
  return (await answerOf(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

/**
 * Asks for a text.
 *
 * @param {string} path
 */
export async function askText(path) {
  return (await answerOf(path, {})).text();
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function answerOf(path, init) {
  const response = await fetch(path, init).catch((error) => {
    throw init.signal?.aborted
      ? error
      : new ApiError("natstate does not answer: is it still running?", { cause: error });
  });
  if (response.ok) return response;
  const refusal = await response.json();
  throw new ApiError(refusal.error?.message ?? `natstate answered ${response.status}`);
}

/**
 * Listens to server-sent events, without coming back by itself when they end, as EventSource would.
 *
 * @param {string} path
 * @param {AbortSignal} signal ends it
 * @param {(data: string) => void} onData told each message
 * @returns {Promise<string>} what the daemon says why it ended
 */
export async function listen(path, signal, onData) {
  const { body } = await answerOf(path, { signal });
  const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw signal.aborted ? error : new ApiError("the connection to natstate was lost", { cause: error });
    });
    if (done) return "natstate has closed the connection";
    const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event, data] = /^(?:event: (\w+)\n)?data: (.*)$/.exec(block) ?? [];
      if (event === "end") return JSON.parse(data ?? "{}").message;
      if (data !== undefined) onData(data);
    }
  }
}
