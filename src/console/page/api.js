/** The daemon has answered that it cannot, or has not answered; the message is for a person. */
export class ApiError extends Error {
  /** @override */
  name = "ApiError";
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
export function ask(path, signal) {
  return call(path, signal === undefined ? {} : { signal });
}

/**
 * Changes something.
 *
 * @template Answer
 * @param {string} path
 * @param {object} body
 * @returns {Promise<Answer>}
 */
export function change(path, body) {
  const headers = { "content-type": "application/json", "x-natstate-token": token };
  return call(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function call(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError("natstate does not answer: is it still running?", { cause: error });
  }
  const answer = await response.json();
  if (!response.ok) throw new ApiError(answer.error?.message ?? `natstate answered ${response.status}`);
  return answer;
}
