import type { Dialect, SqliteDatabase, SqliteStatement } from "kysely";
import { BUSY_TIMEOUT_MS } from "./limits.ts";

/**
 * SQLite through libsql. Statements run on the caller's thread, so a transaction stays in the low milliseconds when it
 * is kept to a few hundred rows. Readers of other processes are never blocked (write-ahead log).
 * @param file Path, or `:memory:`.
 */
export async function sqliteDialect(file: string): Promise<Dialect> {
  const [{ SqliteDialect }, { default: Libsql }] = await Promise.all([import("kysely"), import("libsql")]);
  const connection = new Libsql(file);
  try {
    connection.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA foreign_keys = ON`,
    );
  } catch (error) {
    connection.close();
    throw error;
  }
  const database: SqliteDatabase = {
    prepare: (sql) => {
      // A transaction that reads first and writes later would fail, not wait, when another process writes in between.
      const statement = connection.prepare(sql === "begin" ? "begin immediate" : sql);
      return {
        reader: statement.reader,
        all: (parameters) => statement.all(bound(parameters)),
        run: (parameters) => {
          const { changes, lastInsertRowid } = statement.run(bound(parameters));
          return { changes, lastInsertRowid };
        },
        iterate: (parameters) => statement.iterate(bound(parameters)) as IterableIterator<unknown>,
      } satisfies SqliteStatement;
    },
    close: () => {
      try {
        connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } finally {
        connection.close();
      }
    },
  };
  return new SqliteDialect({ database });
}

/** Values as libsql takes them: it ends the whole process on a boolean. */
function bound(parameters: readonly unknown[]): unknown[] {
  return parameters.map((value) => {
    if (typeof value === "boolean") return value ? 1 : 0;
    if (value === undefined || value === null) return null;
    if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return value;
    if (value instanceof Uint8Array) return Buffer.from(value);
    throw new TypeError(`a SQLite parameter cannot be a ${typeof value}; write dates as Unix ms, objects as JSON text`);
  });
}
