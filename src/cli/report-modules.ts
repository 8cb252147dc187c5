import { registerHooks } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/*
 * Run before everything else by `natstate dev`, in the process of the daemon: tells it each file that is loaded from
 * outside natstate and of packages, and ends the daemon when nobody is there any more to start it again.
 */
const OURS = join(dirname(import.meta.dirname), "/");
registerHooks({
  load(url, context, next) {
    const file = url.startsWith("file:") ? fileURLToPath(url) : "";
    if (file !== "" && !file.includes("/node_modules/") && !file.startsWith(OURS)) process.send?.(file);
    return next(url, context);
  },
});
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
