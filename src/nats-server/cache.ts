import { chmod, mkdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** Where fetched servers are kept, a directory for each version. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  const base = env.NATSTATE_CACHE || env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(resolve(base), "natstate", "nats-server");
}

/** Makes the cache, for its owner only. @throws Error when others may write it, and it is not ours to close. */
export async function takeCache(root: string): Promise<void> {
  await makePrivate(dirname(root));
  await makePrivate(root);
  await refuseOthers([root, dirname(root)], dirname(dirname(root)));
}

/** Makes a directory that nobody else may write, or one of ours that is there so. */
export async function makePrivate(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { uid, mode } = await stat(directory);
  // Where that is refused, or does nothing (CIFS, vfat), others may still write it: who uses it looks.
  if (uid === process.getuid?.() && isWritable(mode)) await chmod(directory, 0o700).catch(() => {});
}

/**
 * What is run must be what was put there: the program and the directories that are natstate's own have to belong to this
 * user, or to root, and to be written by nobody else; and nobody may put others in their place.
 *
 * @throws Error naming what is not so.
 */
export async function refuseForeignBinary(path: string, root: string): Promise<void> {
  await refuseOthers([path, dirname(path), root, dirname(root)], dirname(dirname(root)));
}

async function refuseOthers(own: readonly string[], base: string): Promise<void> {
  const uid = process.getuid?.();
  // Windows has other means.
  if (uid === undefined) return;
  for (const path of own) {
    const found = await stat(path);
    if (found.uid !== uid && found.uid !== 0) throw new Error(`${path} belongs to another user (${found.uid})`);
    if (isWritable(found.mode)) {
      throw new Error(
        `${path} can be written by other users: chmod -R go-w ${own.at(-1)}, if you know what is in it; else remove it, or set NATSTATE_CACHE to a directory of this user`,
      );
    }
  }
  // Who may write a directory may rename what is in it, unless it is like /tmp.
  const { mode } = await stat(base);
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) {
    throw new Error(
      `${base} can be written by other users: chmod o-w ${base}, or set NATSTATE_CACHE to another directory`,
    );
  }
}

function isWritable(mode: number): boolean {
  return (mode & 0o022) !== 0;
}
