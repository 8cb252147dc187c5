/** An event-time host with one small rule broken. */
export interface Mutant {
  readonly name: string;
  /** Below `src/flow/hosts/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "a delay due at a fact's own time fires before it",
    file: "fold.ts",
    find: "compareTimestamps(due, fact.timestamp) < 0",
    replace: "compareTimestamps(due, fact.timestamp) <= 0",
  },
  {
    name: "a delay due at the very time that has passed waits",
    file: "fold.ts",
    find: "compareTimestamps(due, passed) <= 0",
    replace: "compareTimestamps(due, passed) < 0",
  },
  {
    name: "a fact at the time passed comes after the delays of that time",
    file: "timeline.ts",
    find: "compareTimestamps(fact.timestamp, passed) > 0",
    replace: "compareTimestamps(fact.timestamp, passed) >= 0",
  },
  {
    name: "a fact before the time passed finds the delays fired",
    file: "timeline.ts",
    find: "isBeyond ? end.now : { moment: end.last, delays: 0 }",
    replace: "isBeyond ? end.now : end.now",
  },
  {
    name: "time goes back",
    file: "timeline.ts",
    find: "if (timeline.passed !== null && compareTimestamps(passed, timeline.passed) <= 0) return timeline;",
    replace: "",
  },
  {
    name: "a delay takes the place of the one with its id, or of the one without",
    file: "timers.ts",
    find: "...hide(timers, id)",
    replace: "...timers.filter((timer) => timer.id !== id)",
  },
  {
    name: "delayed raises without an id have one in common",
    file: "statechart.ts",
    find: "id: id === undefined ? null : String(id)",
    replace: "id: String(id)",
  },
  {
    name: "a cancel ends the first of two with one id",
    file: "timers.ts",
    find: "timer.id === id && !timer.isHidden);",
    replace: "timer.id === id);",
  },
  {
    name: "what fires does not hide what has its id",
    file: "timers.ts",
    find: "fired.id,",
    replace: "null,",
  },
  {
    name: "a cancel is not heard",
    file: "statechart.ts",
    find: "timers = cancelTimer(timers, String((params as { sendId: unknown }).sendId));",
    replace: "",
  },
  {
    name: "of two due at one time the one set later fires first",
    file: "timers.ts",
    find: "compareTimestamps(timer.due, next.due) < 0",
    replace: "compareTimestamps(timer.due, next.due) <= 0",
  },
  {
    name: "delays end at whole milliseconds",
    file: "due-time.ts",
    find: 'Number(timestamp.slice(20, -1).padEnd(9, "0"))',
    replace: 'Number(timestamp.slice(20, 23).padEnd(9, "0"))',
  },
  {
    name: "delays are whole milliseconds",
    file: "due-time.ts",
    find: "Math.round((delayMs - seconds * 1000) * 1_000_000)",
    replace: "Math.round(delayMs - seconds * 1000) * 1_000_000",
  },
  {
    name: "a delayed event keeps the time of the fact that raised it",
    file: "fold.ts",
    find: "{ ...timer.event, timestamp: timer.due }",
    replace: "{ timestamp: timer.due, ...timer.event }",
  },
  {
    name: "who is done still hears",
    file: "fold.ts",
    find: 'if (moment.snapshot.status !== "active") return moment;',
    replace: "",
  },
  {
    name: "who is done still waits",
    file: "statechart.ts",
    find: "return { snapshot: { ...snapshot, context, output }, timers: [] };",
    replace: "return { snapshot: { ...snapshot, context, output }, timers };",
  },
  {
    name: "a state entered again keeps its old delay",
    file: "statechart.ts",
    find: "if (snapshot === before?.snapshot) return timers === before.timers ? before : { snapshot, timers };",
    replace: "if (snapshot === before?.snapshot) return before;",
  },
  {
    name: "custom actions are executed",
    file: "statechart.ts",
    find: "scope.actionExecutor = (action) => yielded.push(action);",
    replace:
      'scope.actionExecutor = (action) => { yielded.push(action); if (action.type === "custom") action.exec?.(action.info, undefined); };',
  },
  {
    name: "the initial delays begin with the fact heard, not the earliest",
    file: "refold.ts",
    find: "begin(actor, facts[0] as ActorEvent)",
    replace: "begin(actor, facts[index] as ActorEvent)",
  },
  {
    name: "an earliest fact that nobody handles begins nothing",
    file: "refold.ts",
    find: "isWhole && index > 0 &&",
    replace: "isWhole &&",
  },
  {
    name: "facts of one time and id are ordered as heard",
    file: "fact-order.ts",
    find: "|| compareUtf8(a.type, b.type)",
    replace: "",
  },
  {
    name: "facts of one time are ordered by id before type",
    file: "fact-order.ts",
    find: "compareUtf8(a.type, b.type) || compareUtf8(a.eventId, b.eventId)",
    replace: "compareUtf8(a.eventId, b.eventId) || compareUtf8(a.type, b.type)",
  },
  {
    name: "ids are ordered as UTF-16",
    file: "fact-order.ts",
    find: "return rank(left) - rank(right);",
    replace: "return left - right;",
  },
  {
    name: "a row forgets in which order states were entered",
    file: "stored-moment.ts",
    find: "_nodes: stored.nodes.map(find),",
    replace: "",
  },
  {
    name: "a row forgets in which order regions were entered",
    file: "stored-moment.ts",
    find: "    value,\n    _nodes",
    replace: "    _nodes",
  },
  {
    name: "a row forgets the history",
    file: "stored-moment.ts",
    find: "historyValue: Object.fromEntries(history),",
    replace: "historyValue: {},",
  },
  {
    name: "a row turns the order of delays",
    file: "stored-moment.ts",
    find: 'settle("timers", stored.timers)',
    replace: 'settle("timers", stored.timers.toReversed())',
  },
  {
    name: "a row forgets the delays",
    file: "stored-moment.ts",
    find: 'settle("timers", stored.timers)',
    replace: 'settle("timers", [])',
  },
  {
    name: "a row forgets that delays have fired",
    file: "stored-timeline.ts",
    find: "...(end.now.moment !== end.last && { now: storeMoment(end.now.moment) }),",
    replace: "",
  },
  {
    name: "a row forgets how many delays have fired",
    file: "stored-timeline.ts",
    find: "{ moment: now, delays: end.delays }",
    replace: "{ moment: now, delays: 0 }",
  },
  {
    name: "a row forgets the fault",
    file: "stored-timeline.ts",
    find: "fault: fault && new FoldFault(fault.thrower, new Error(fault.reason)),",
    replace: "fault: undefined,",
  },
  {
    name: "a row forgets what time has passed",
    file: "stored-timeline.ts",
    find: "      passed,\n      fault: fault",
    replace: "      passed: null,\n      fault: fault",
  },
  {
    name: "anchors that later facts have overtaken are gone back to",
    file: "anchors.ts",
    find: "last !== undefined && last.type",
    replace: "last === undefined || last.type",
  },
  {
    name: "anchors are told by their number alone",
    file: "anchors.ts",
    find: "last.type === place.type && last.eventId === place.eventId && last.timestamp === place.timestamp",
    replace: "place !== undefined",
  },
  {
    name: "anchors after a late fact keep their number",
    file: "refold.ts",
    find: "count: anchor.count + 1",
    replace: "count: anchor.count",
  },
  {
    name: "a replay ends although delays differ",
    file: "same-moment.ts",
    find: "a.timers.every((timer, index) => isSameJson(timer, b.timers[index]))",
    replace: "a.timers.every((timer, index) => isSameJson(timer.event, b.timers[index]?.event))",
  },
  {
    name: "a replay ends although delays can be cancelled that could not",
    file: "same-moment.ts",
    find: "isSameJson(timer, b.timers[index])",
    replace: "isSameJson({ ...timer, isHidden: false }, { ...b.timers[index], isHidden: false })",
  },
  {
    name: "a replay ends although states were entered in another order",
    file: "same-moment.ts",
    find: "isSameList(a._nodes, b._nodes)",
    replace: "a._nodes.length === b._nodes.length && a._nodes.every((node) => b._nodes.includes(node))",
  },
  {
    name: "a replay ends although the history differs",
    file: "same-moment.ts",
    find: "isSameHistory(a.historyValue, b.historyValue)",
    replace: "true",
  },
  {
    name: "a replay ends although the context differs",
    file: "same-moment.ts",
    find: "isSameJson(a.context, b.context)",
    replace: "true",
  },
  {
    name: "a replay after a fault ends where nothing differs",
    file: "timeline.ts",
    find: "const isWhole = before.fault === undefined && before.end !== undefined;",
    replace: "const isWhole = true;",
  },
  {
    name: "after a fault the next fact goes on from where it ended before",
    file: "timeline.ts",
    find: "if (end === undefined || fault !== undefined || comparePlaces",
    replace: "if (end === undefined || comparePlaces",
  },
  {
    name: "a fault is never taken back",
    file: "timeline.ts",
    find: "anchors: thin(anchors, IN_MEMORY),\n    fault: undefined,",
    replace: "anchors: thin(anchors, IN_MEMORY),",
  },
  {
    name: "one delay more may fire",
    file: "fold.ts",
    find: "if (delays === actor.maxDelays)",
    replace: "if (delays > actor.maxDelays)",
  },
  {
    name: "delays are counted on over facts",
    file: "fold.ts",
    find: "after: { moment: step(actor, before, fact, () => describeFact(fact)), delays: 0 }",
    replace: "after: { moment: step(actor, before, fact, () => describeFact(fact)), delays: from.delays }",
  },
  {
    name: "a delay that is no number of at least 0 is taken",
    file: "timers.ts",
    find: "|| delayMs < 0) {",
    replace: ") {",
  },
  {
    name: "what JSON changes is stored",
    file: "settle.ts",
    find: "if (!Number.isFinite(value)) throw unstorable(walk, String(value));",
    replace: "",
  },
];
