import type { Database, Tables } from "../../../database/database.ts";
import type { Gateway } from "../../gateway.ts";

/** A database that takes longer for `select 1` is not well. */
const PING_MS_MAX = 2_000;

/** A component without tables of its own, made once per database. */
const pings = new WeakMap<Database, Tables<unknown>>();

/** What `/health` says of the database without asking it. */
export function databaseState({ database }: Gateway): "connected" | "not_initialized" | "unavailable" {
  if (!database.available) return "unavailable";
  return database.pool().size > 0 ? "connected" : "not_initialized";
}

/** Asks the database; resolves with the milliseconds it took. @throws Error with the reason. */
export async function pingDatabase({ database }: Gateway): Promise<number> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PING_MS_MAX} ms`)), PING_MS_MAX);
  });
  const tables = pings.get(database) ?? database.component<unknown>("ping", []);
  pings.set(database, tables);
  const { sql } = await import("kysely");
  const ping = tables.run((db) => sql`select 1`.execute(db));
  try {
    await Promise.race([ping, late]);
  } finally {
    clearTimeout(timer);
    ping.catch(() => undefined); // Whoever lost the race has nobody left to tell.
  }
  return performance.now() - startedAt;
}
