import { setTimeout as sleep } from "node:timers/promises";
import type { Gateway } from "./gateway.ts";
import { databaseExists } from "./stores.ts";

/** Longest that the port stays closed for a database that is slow or away, ms; then the gateway goes on without. */
const KNOWN_MS_MAX = 1_000;

/**
 * Opens the ledger; resolves when keys, what the admin API made, and what has been spent are known, or after KNOWN_MS_MAX; at once where
 * there is no database yet. A gateway that answered before would call its own models unknown, and let through what its
 * limits and budgets refuse. Never rejects.
 */
export async function knownAtStart({
  context,
  settings,
  keys,
  keySync,
  money,
}: Pick<Gateway, "context" | "settings" | "keys" | "keySync" | "money">): Promise<void> {
  const existed = databaseExists(context); // Asked first: whoever reads from it makes it.
  await money.start();
  const known = Promise.all([settings.start(), keySync.start(), money.spentKnown]);
  if (existed) await within(known);
  else keys.complete = true; // Nobody can have a key of a database that did not exist.
}

/** Resolves with `known`, which never rejects, or after KNOWN_MS_MAX. */
export async function within(known: Promise<unknown>): Promise<void> {
  await Promise.race([known, sleep(KNOWN_MS_MAX, undefined, { ref: false })]);
}
