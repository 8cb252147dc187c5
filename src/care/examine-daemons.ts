import { mayAsk, mayListen, type Permission } from "../jetstream/checkup.ts";
import type { Session } from "../jetstream/session.ts";
import { DAEMONS_SUBJECT, daemonSubject } from "../wire/names.ts";
import { type Finding, ok, problem, START, warning } from "./finding.ts";

/** Of nobody: no daemon has this id. */
const OF_NOBODY = daemonSubject("natstate-doctor", "question");
const BELOW = `${DAEMONS_SUBJECT}.>`;

/** Examines whether daemons are there, and may know of each other. @param members - daemons that answer. */
export async function examineDaemons(session: Pick<Session, "nc">, members: number): Promise<Finding[]> {
  const asked: (readonly [what: string, Permission])[] = [
    [`publish ${DAEMONS_SUBJECT}`, await mayAsk(session, DAEMONS_SUBJECT)],
    [`publish ${BELOW}`, await mayAsk(session, OF_NOBODY)],
    [`subscribe to ${DAEMONS_SUBJECT}`, await mayListen(session, DAEMONS_SUBJECT)],
    [`subscribe to ${BELOW}`, await mayListen(session, OF_NOBODY)],
  ];
  const refused = asked.flatMap(([what, permission]) => (permission === "refused" ? [what] : []));
  if (refused.length > 0) {
    const detail = `the server does not let this user ${refused.join(", ")}: a daemon takes no partition from another`;
    const advice = `allow the processor to publish and to subscribe to "${DAEMONS_SUBJECT}" and "${BELOW}" (docs/nats-secure.conf)`;
    return [problem("daemons", detail, advice)];
  }
  return [
    members === 0
      ? warning("daemon", "none answers", START)
      : ok("daemon", `${members} answer${members === 1 ? "s" : ""}`),
    ok("daemons", "may ask each other"),
  ];
}
