import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../runtime/logger.ts";
import { writeFileAtomic } from "../../storage/atomic-file.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { CORRUPT_SUFFIX, REPLAY_ATTEMPTS_FILE, WAL_DIR } from "../blocks/filenames.ts";
import { REPLAY_ATTEMPTS_MAX } from "./limits.ts";

/**
 * Ends crash loops: a replay that kills the process (no memory, a bug) would kill it again at every start. The attempts
 * are counted on disk before the replay begins; after the third the log is set aside and the store starts without it.
 */
export class ReplayGuard {
  readonly #dir: string;
  readonly #logger: Logger;

  constructor(dir: string, logger: Logger) {
    this.#dir = dir;
    this.#logger = logger;
  }

  /** @returns true when the log was set aside. Call `passed` when the replay is through. */
  async begin(nowMs: number): Promise<boolean> {
    const attempts = await this.#attempts();
    if (attempts < REPLAY_ATTEMPTS_MAX) {
      await this.#remember(attempts + 1);
      return false;
    }
    const name = `${WAL_DIR}-${nowMs}${CORRUPT_SUFFIX}`;
    await rename(join(this.#dir, WAL_DIR), join(this.#dir, name));
    this.#logger.error(
      { setAside: name, attempts },
      "the store did not survive reading its WAL several times; the WAL was set aside and the start goes on without it",
    );
    await this.passed();
    return true;
  }

  async passed(): Promise<void> {
    await rm(join(this.#dir, REPLAY_ATTEMPTS_FILE), { force: true });
  }

  async #attempts(): Promise<number> {
    try {
      const count = Number(await readFile(join(this.#dir, REPLAY_ATTEMPTS_FILE), "utf8"));
      return Number.isInteger(count) && count > 0 ? count : 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
      throw error;
    }
  }

  async #remember(attempts: number): Promise<void> {
    try {
      await writeFileAtomic(join(this.#dir, REPLAY_ATTEMPTS_FILE), String(attempts));
    } catch (error) {
      // A full disk must not keep the store from being read.
      if (!(error instanceof StorageError)) throw error;
      this.#logger.warn({ reason: error.message }, "the attempt to replay the WAL could not be counted");
    }
  }
}
