/** @import { Machine } from "./types.d.ts" */

/*
 * Addresses within the page: `#/`, `#/<collection>?filters`, `#/<collection>/<id>`, `#/dead-letters`, `#/machine` and
 * `#/daemons`; of another actor type than the first those without a collection have it as `?of=`.
 */

/** Is it of the actor type that needs not be named? @param {Machine} machine */
export function isFirst({ type, types }) {
  return types[0]?.name === type.name;
}

/**
 * @param {string} path
 * @param {Readonly<Record<string, string>> | URLSearchParams} [query]
 */
export function address(path, query = {}) {
  const text = new URLSearchParams(query).toString();
  return `#/${path}${text === "" ? "" : `?${text}`}`;
}

/**
 * @param {Machine} machine
 * @param {string} view
 * @param {Readonly<Record<string, string>>} [query]
 */
export function addressOfView(machine, view, query = {}) {
  return address(view, isFirst(machine) ? query : { of: machine.type.collection, ...query });
}

/**
 * @param {Machine["type"]} type
 * @param {string} id
 * @param {Readonly<Record<string, string>>} [query]
 */
export function addressOfActor({ collection }, id, query) {
  return address(`${collection}/${encodeURIComponent(id)}`, query);
}
