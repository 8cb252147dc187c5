import { errors, type NatsConnection } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { insistOnAnswers } from "../../src/jetstream/insistent-questions.ts";
import { createTestClock } from "../clock.ts";

const QUESTION = "$JS.API.STREAM.INFO.ORDERS";

const message = (value: object) => ({ data: Buffer.from(JSON.stringify(value)), json: () => value });

/** What a stream's servers say of it. @param activeMs - when its leader heard of the other servers last. */
const stream = (last_seq: number, leader: string | undefined, activeMs: number) => ({
  config: { name: "ORDERS", num_replicas: 3 },
  cluster: { leader, replicas: Array(2).fill({ current: true, active: activeMs * 1e6 }) },
  state: { last_seq },
});

/** A connection on which a question is heard only from some moment on. */
function open({ isClustered = true } = {}) {
  const clock = createTestClock();
  const asked: string[] = [];
  const silences: number[] = [];
  let hearsFromMs = Number.POSITIVE_INFINITY;
  let say: (subject: string) => object = (subject) => ({ subject });
  const nc = {
    info: isClustered ? { cluster: "test" } : {},
    request: (subject: string, _payload: unknown, { timeout }: { timeout: number }) =>
      new Promise((resolve, reject) => {
        asked.push(`${clock.now()} ${subject}`);
        if (clock.now() >= hearsFromMs) resolve(message(say(subject)));
        else clock.after(timeout, () => reject(new errors.TimeoutError()));
      }),
  };
  const insistent = insistOnAnswers(nc as unknown as NatsConnection, (at) => silences.push(at), clock);
  return {
    ...{ clock, asked, silences },
    ask: async (subject: string) => (await insistent.request(subject, "", { timeout: 5000 })).json(),
    answerWith(answer: (subject: string) => object) {
      say = answer;
    },
    hearFrom(ms: number) {
      hearsFromMs = ms;
    },
  };
}

it("a question that nobody has heard is asked again until the first answer, and no more", async () => {
  const { clock, asked, ask, hearFrom, silences } = open();
  const start = clock.now();
  hearFrom(start + 1000);
  const answer = ask(QUESTION);
  await clock.pass(1000);
  expect(await answer).toEqual({ subject: QUESTION });
  await clock.pass(10_000);
  expect(asked).toHaveLength(3);
  expect(silences).toEqual([]);
});

it("what changes something is asked once", async () => {
  const { clock, asked, ask } = open();
  const answer = ask("$JS.API.CONSUMER.RESET.ORDERS.orders-0").catch((error) => error);
  await clock.pass(5000);
  expect(await answer).toBeInstanceOf(errors.TimeoutError);
  expect(asked).toHaveLength(1);
});

it("a question without an answer in its time is a silence, unless another one was answered meanwhile", async () => {
  const { clock, ask, hearFrom, silences } = open();
  const lost = ask(QUESTION).catch((error) => error);
  await clock.pass(5000);
  expect(await lost).toBeInstanceOf(errors.TimeoutError);
  expect(silences).toEqual([Number.NEGATIVE_INFINITY]);
  hearFrom(clock.now());
  expect(await ask(QUESTION)).toEqual({ subject: QUESTION });
  hearFrom(Number.POSITIVE_INFINITY);
  const unheard = ask(QUESTION).catch((error) => error);
  await clock.pass(4600);
  hearFrom(clock.now());
  await ask(QUESTION);
  hearFrom(Number.POSITIVE_INFINITY);
  await clock.pass(400);
  expect(await unheard).toBeInstanceOf(errors.TimeoutError);
  expect(silences).toHaveLength(1);
});

it.each([
  ["has lost sight of the leader", stream(3, undefined, 0)],
  ["was cut off from the others while it led", stream(3, "n1", 3600)],
  ["knows of no leader of the cluster", { error: { code: 503, err_code: 10_008 } }],
])("who %s does not answer for a stream: it is asked until one does that can know", async (_, said) => {
  const { clock, asked, ask, hearFrom, answerWith } = open();
  hearFrom(clock.now());
  answerWith(() => said);
  const answer = ask(QUESTION);
  await clock.pass(1700);
  answerWith(() => stream(500, "n2", 3400));
  await clock.pass(300);
  expect(await answer).toMatchObject({ state: { last_seq: 500 } });
  expect(asked).toHaveLength(5);
});

it("when only such answer, in time nobody has answered", async () => {
  const { clock, ask, hearFrom, answerWith } = open();
  hearFrom(clock.now());
  answerWith(() => stream(3, undefined, 0));
  const answer = ask(QUESTION).catch((error) => error);
  await clock.pass(5000);
  expect(await answer).toBeInstanceOf(errors.TimeoutError);
});

const NO_STREAM = { error: { code: 404, err_code: 10_059 } };

it("that a stream is not there is believed in a cluster when nobody says otherwise: a server without its disk says it too", async () => {
  const { clock, asked, ask, hearFrom, answerWith } = open();
  hearFrom(clock.now());
  answerWith(() => NO_STREAM);
  const overruled = ask(QUESTION);
  await clock.pass(700);
  answerWith(() => stream(500, "n2", 0));
  await clock.pass(300);
  expect(await overruled).toMatchObject({ state: { last_seq: 500 } });
  answerWith(() => NO_STREAM);
  const believed = ask(QUESTION);
  await clock.pass(1000);
  expect(await believed).toEqual(NO_STREAM);
  expect(asked).toHaveLength(6);
});

it("where there is one server, it is believed at once", async () => {
  const { clock, ask, hearFrom, answerWith } = open({ isClustered: false });
  hearFrom(clock.now());
  answerWith(() => NO_STREAM);
  expect(await ask(QUESTION)).toEqual(NO_STREAM);
});
