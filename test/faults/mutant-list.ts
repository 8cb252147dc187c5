/** natstate with one line broken, and the fault that has to notice. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly fault: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "the checkpoint is one ahead",
    file: "src/flow/processor.ts",
    find: "journal.saveCheckpoint(lane, sequence);",
    replace: "journal.saveCheckpoint(lane, sequence + 1);",
    fault: "crash-committed",
  },
  {
    name: "what is committed is not skipped",
    file: "src/flow/processor.ts",
    find: "if (sequence <= checkpoint)",
    replace: "if (false)",
    fault: "backlog",
  },
  {
    name: "duplicates are applied",
    file: "src/flow/processor.ts",
    find: 'if (recorded !== "new") {',
    replace: 'if (recorded !== "new" && false) {',
    fault: "kill-9",
  },
  {
    name: "actors of a failed commit stay in memory",
    file: "src/flow/processor.ts",
    find: "for (const actor of batch.touched) actors.evict(actor.lane, actor.id);",
    replace: "",
    fault: "store-full",
  },
  {
    name: "bad messages are dropped",
    file: "src/flow/processor.ts",
    find: "if (journal.recordDeadLetter(row)) batch.deadLetters.push(row);",
    replace: "",
    fault: "sigterm",
  },
  {
    name: "every conclusion is published",
    file: "src/flow/decide.ts",
    find: "const content = nextContent(type, actor.standing, conclusion);",
    replace: "const content = nextContent(type, null, conclusion);",
    fault: "sigterm",
  },
  {
    name: "the last to arrive wins",
    file: "machines/merge.ts",
    find: "return order === 0 ? known.eventId >= seen.eventId : order > 0;",
    replace: "return false;",
    fault: "sigterm",
  },
  {
    name: "what was due before the end is not published at the start",
    file: "src/daemon.ts",
    find: "publisher.offer(outbox.pendingDecisions(lane), outbox.pendingDeadLetters(lane));",
    replace: "void lane;",
    fault: "crash-committed",
  },
  {
    name: "decisions carry neither id nor expectation",
    file: "src/jetstream/outbox-messages.ts",
    find: 'header.set("Nats-Expected-Last-Subject-Sequence", String(lastSubjectSequence));',
    replace: 'header.delete("Nats-Msg-Id"); void lastSubjectSequence;',
    fault: "frozen-owner",
  },
  {
    name: "dead letters carry no id",
    file: "src/jetstream/outbox-messages.ts",
    find: 'header.set("Nats-Expected-Stream", DEAD_LETTERS_STREAM);',
    replace: 'header.delete("Nats-Msg-Id");',
    fault: "frozen-owner",
  },
  {
    name: "gaps are not noticed",
    file: "src/jetstream/lane-reader.ts",
    find: "if (deliverySequence !== expected || deliveryCount !== 1) {",
    replace: "if (false) {",
    fault: "consumer-reset",
  },
  {
    name: "another stream of the name is not noticed",
    file: "src/jetstream/identity.ts",
    find: "if (created === undefined) return;",
    replace: "if (created === undefined || created !== undefined) return;",
    fault: "recreated",
  },
  {
    name: "messages lost unread are not noticed",
    file: "src/jetstream/identity.ts",
    find: "if (behind.length === 0) return;",
    replace: "return;",
    fault: "purged-above",
  },
  {
    name: "a batch that cannot be committed is dropped",
    file: "src/flow/intake.ts",
    find: "fail(error as Error);",
    replace: "queue = queue.slice(size); fail(error as Error);",
    fault: "store-full",
  },
  {
    name: "event times are held against the local clock",
    file: "src/flow/decode.ts",
    find: "delivery.storedAtMs + MAX_AHEAD_MS",
    replace: "Date.now() + MAX_AHEAD_MS",
    fault: "clock-faked",
  },
  {
    name: "a snapshot's checksum is not looked at",
    file: "src/flow/actors.ts",
    find: "crc32(envelope.snapshot) !== envelope.checksum",
    replace: "false",
    fault: "poisoned-rows",
  },
  {
    name: "headers are read as the client reads them",
    file: "src/jetstream/message-headers.ts",
    find: "MsgHdrsImpl.decode = readHeaderBlock;",
    replace: "void readHeaderBlock;",
    fault: "header-burst",
  },
];
