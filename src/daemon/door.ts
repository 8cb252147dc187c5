/*
 * The door of `natstate/daemon`: for programs that host the daemon themselves.
 */
export { type HostedDaemon, type HostedOptions, startDaemon } from "./start-daemon.ts";
