import type { Logger } from "pino";
import { StreamIdentityError } from "../jetstream/stream-identity.ts";
import type { LaneTrouble } from "./parts.ts";

/** Says each trouble once in a row. */
export function createLaneTrouble(logger: Logger, onFatal: (error: Error) => void): LaneTrouble {
  let last: string | undefined;
  return {
    meet(error, readsOthers = false) {
      const isRefusal = error instanceof StreamIdentityError;
      if (isRefusal && !readsOthers) {
        onFatal(error);
        return "give_up";
      }
      if (error.message !== last) {
        logger[isRefusal ? "error" : "warn"]({ err: error }, "partitions cannot be read yet, trying again");
      }
      last = error.message;
      return "retry";
    },
    renew() {
      last = undefined;
    },
  };
}
