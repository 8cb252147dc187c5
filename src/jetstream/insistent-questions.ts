import { JetStreamApiCodes, type StreamInfo } from "@nats-io/jetstream";
import { errors, type Msg, type NatsConnection, type Payload, type RequestOptions } from "@nats-io/transport-node";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import { majoritySilentMs } from "./stream-pulse.ts";

/** What a leader is asked that it may be asked twice: nothing changes by it. */
const QUESTION = /^\$JS\.API\.(STREAM\.INFO|STREAM\.MSG\.GET|CONSUMER\.INFO)\./;
const STREAM_INFO = /^\$JS\.API\.STREAM\.INFO\./;
/** An election takes seconds; what is asked meanwhile is heard by nobody and answered by nobody. */
const AGAIN_MS = 500;

/**
 * Whoever has a stream's majority behind it says how the stream is. A server that has lost sight of the leader answers
 * beside it, with what it has itself: nothing at all, where it has lost its disk. And a leader that was cut off goes on
 * answering until it notices. Less than the shortest election, so that no other one can have stored anything meanwhile.
 */
const MAJORITY_MS = 3500;
/** The server's `err_code` for "no leader": of the cluster, the stream or the consumer. */
const NOT_AVAILABLE = 10_008;
/** The server's `err_code` for a stream that is not there. */
const NOT_FOUND: number = JetStreamApiCodes.StreamNotFound;
/**
 * So often in a row it has to be said in a cluster: a server that has lost its disk and has no leader yet says it too, while
 * the stream's leader says how it is.
 */
const TIMES_NOT_FOUND = 3;
/** Longer answers are none. */
const MAX_ERROR_BYTES = 1000;

/**
 * The same connection, for the clients of JetStream: their questions are asked again and again until somebody answers
 * who can know, or their time is over. One that was asked while a stream or consumer had no leader would else wait its
 * whole time, 5 s, though the next leader is there long before.
 *
 * @param onSilence - a question has had no answer, nor has any other since `heardMs`, monotonic.
 */
export function insistOnAnswers(
  nc: NatsConnection,
  onSilence: (heardMs: number) => void,
  clock: Clock = SYSTEM_CLOCK,
): NatsConnection {
  let heardMs = Number.NEGATIVE_INFINITY;
  const request = async (subject: string, payload?: Payload, options?: RequestOptions): Promise<Msg> => {
    if (options === undefined || !QUESTION.test(subject)) return nc.request(subject, payload, options);
    const askedMs = clock.now();
    try {
      const ask = (timeout: number) => nc.request(subject, payload, { ...options, timeout });
      let timesNotFound = nc.info?.cluster === undefined ? TIMES_NOT_FOUND : 0;
      const knows = (message: Msg) => {
        const said = judge(subject, message);
        return said === "not_found" ? ++timesNotFound >= TIMES_NOT_FOUND : said === "known";
      };
      const answer = await firstAnswer({ clock, timeoutMs: options.timeout, ask, knows });
      heardMs = clock.now();
      return answer;
    } catch (error) {
      if (error instanceof errors.TimeoutError && heardMs < askedMs) onSilence(heardMs);
      throw error;
    }
  };
  return new Proxy(nc, {
    get(target, name) {
      if (name === "request") return request;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

type Answer = Partial<StreamInfo> & { readonly error?: { readonly err_code?: number } };

/** `known`: it is the answer of one that leads, with a majority behind it. */
function judge(subject: string, message: Msg): "known" | "unknown" | "not_found" {
  const isInfo = STREAM_INFO.test(subject);
  if (!isInfo && message.data.length > MAX_ERROR_BYTES) return "known";
  const { error, config, cluster } = message.json<Answer>();
  if (error?.err_code === NOT_AVAILABLE) return "unknown";
  if (error?.err_code === NOT_FOUND) return "not_found";
  return !isInfo || config === undefined || majoritySilentMs({ config, cluster }) <= MAJORITY_MS ? "known" : "unknown";
}

interface Question {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Rejects when so many ms have passed; the first to be asked says what is wrong. */
  readonly ask: (timeoutMs: number) => Promise<Msg>;
  readonly knows: (answer: Msg) => boolean;
}

/** Rejects with TimeoutError when nobody has answered in time who knows. */
function firstAnswer({ clock, timeoutMs, ask, knows }: Question): Promise<Msg> {
  const deadline = clock.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    let cancel = clock.after(AGAIN_MS, askAgain);
    const answered = (message: Msg) => {
      if (!knows(message)) return;
      cancel();
      resolve(message);
    };
    const failed = (error: Error) => {
      cancel();
      reject(error);
    };

    function askAgain(): void {
      const leftMs = deadline - clock.now();
      if (leftMs <= 0) {
        failed(new errors.TimeoutError());
        return;
      }
      cancel = clock.after(Math.min(AGAIN_MS, leftMs), askAgain);
      ask(leftMs).then(answered, () => {});
    }

    ask(timeoutMs).then(answered, failed);
  });
}
