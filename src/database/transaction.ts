import { setTimeout as sleep } from "node:timers/promises";
import type { Kysely, Transaction } from "kysely";
import { BEGIN_RETRY_MS, BEGIN_TIMEOUT_MS } from "./limits.ts";
import { errorCode } from "./observer.ts";

/**
 * Runs `work` in a transaction. Where others hold the SQLite file it waits for its turn to begin without holding up the
 * event loop; `work` itself runs once.
 */
export async function inTransaction<Schema, T>(
  db: Kysely<Schema>,
  work: (transaction: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  for (const deadline = performance.now() + BEGIN_TIMEOUT_MS; ; ) {
    let begun = false;
    try {
      return await db.transaction().execute((transaction) => {
        begun = true;
        return work(transaction);
      });
    } catch (error) {
      if (begun || !errorCode(error).startsWith("SQLITE_BUSY") || performance.now() > deadline) throw error;
      await sleep(BEGIN_RETRY_MS);
    }
  }
}
