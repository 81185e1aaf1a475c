import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../storage/atomic-file.ts";
import { STARTS_FILE, setAsideWalName } from "./filenames.ts";

/** After this many starts that died while they read the log, the log is the likely cause. */
const FAILED_STARTS_MAX = 3;

/**
 * Ends crash loops: counts starts that do not come to the end of their replay, and after the third puts the log aside
 * (it is not deleted) so that the next one can live.
 */
export class StartGuard {
  readonly #path: string;
  readonly failedStarts: number;
  /** The folder that the log was moved to, if it was. */
  readonly setAside: string | undefined;

  private constructor(path: string, failedStarts: number, setAside: string | undefined) {
    this.#path = path;
    this.failedStarts = failedStarts;
    this.setAside = setAside;
  }

  /** Call before the replay of the log in `walDir` (a name in `dataDir`). @throws StorageError when nothing can be written. */
  static async enter(dataDir: string, walDir: string): Promise<StartGuard> {
    const path = join(dataDir, STARTS_FILE);
    const failedStarts = await readCount(path);
    let setAside: string | undefined;
    if (failedStarts >= FAILED_STARTS_MAX) {
      setAside = join(dataDir, setAsideWalName(Date.now()));
      await rename(join(dataDir, walDir), setAside);
    }
    await writeFileAtomic(path, String(setAside === undefined ? failedStarts + 1 : 1));
    return new StartGuard(path, failedStarts, setAside);
  }

  /** Call when the replay is done. */
  async passed(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

async function readCount(path: string): Promise<number> {
  try {
    const count = Number(await readFile(path, "utf8"));
    return Number.isSafeInteger(count) && count > 0 ? count : 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
