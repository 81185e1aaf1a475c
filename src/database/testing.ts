import { pino } from "pino";
import { Database, type DatabaseOptions } from "./database.ts";

/** A database for tests: SQLite in memory unless something else is said; silent. */
export function testDatabase(options: Partial<DatabaseOptions> = {}): Database {
  const logger = pino({ level: "silent" });
  return new Database({ file: ":memory:", url: undefined, poolMax: 5, name: "test", logger, ...options });
}
