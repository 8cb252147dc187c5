import type { Logger } from "pino";
import { StreamIdentityError } from "../jetstream/stream-identity.ts";

/** What is to be done about lanes that cannot be read. */
export type LaneTrouble = ReturnType<typeof createLaneTrouble>;

/** Says each trouble once in a row. */
export function createLaneTrouble(logger: Logger, onFatal: (error: Error) => void) {
  let last: string | undefined;

  /**
   * A daemon that cannot take over another one's partitions, because their past is gone, still has its own to read; one
   * whose own past is gone ends.
   *
   * @param readsOthers - there are lanes that are read all the same.
   */
  function meet(error: Error, readsOthers = false): "retry" | "give_up" {
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
  }

  return {
    meet,
    /**
     * Of a lane that is followed: its owner goes on with it, so for us it is trouble, and not the end.
     *
     * @throws the error, since it is not read now.
     */
    ofFollowed(error: Error): never {
      if (error instanceof StreamIdentityError) meet(error, true);
      throw error;
    },
    /** The lanes are shared anew: what is in the way of it is said again. */
    renew(): void {
      last = undefined;
    },
  };
}
