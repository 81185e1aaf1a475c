import type { Dialect, SqliteDatabase, SqliteStatement } from "kysely";
import type Libsql from "libsql";
import { BUSY_TIMEOUT_MS } from "./limits.ts";

/**
 * SQLite through libsql. Statements run on the caller's thread, so a transaction stays in the low milliseconds when it
 * is kept to a few hundred rows. Readers of other processes are never blocked (write-ahead log).
 * @param file Path, or `:memory:`.
 */
export async function sqliteDialect(file: string): Promise<Dialect> {
  const [{ SqliteDialect }, { default: Connection }] = await Promise.all([import("kysely"), import("libsql")]);
  const connection = new Connection(file);
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
      if (TRANSACTION_WORDS.has(sql)) return controlStatement(connection, sql);
      const statement = connection.prepare(sql);
      const writes = /^(insert|update|delete)\b/.test(sql);
      return {
        reader: statement.reader,
        all: (parameters) => {
          const values = bound(parameters);
          return writes ? inOwnTransaction(connection, () => statement.all(values)) : statement.all(values);
        },
        run: (parameters) => {
          const values = bound(parameters);
          const { changes, lastInsertRowid } = inOwnTransaction(connection, () => statement.run(values));
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

const TRANSACTION_WORDS: ReadonlySet<string> = new Set(["begin", "commit", "rollback"]);

/** A transaction that reads first and writes later would fail, not wait, where another process writes in between. */
function controlStatement(connection: Libsql.Database, sql: string): SqliteStatement {
  const control = sql === "begin" ? "begin immediate" : sql;
  const run = (): { changes: number; lastInsertRowid: number } => {
    connection.exec(control);
    return { changes: 0, lastInsertRowid: 0 };
  };
  return { reader: false, run, all: () => [], iterate: () => [].values() };
}

/**
 * Runs one statement as a transaction. libsql does not reset a statement that found the file busy: it would count as
 * under way until the garbage collector takes it, and no later transaction could be committed. `exec` does reset, so
 * that is what meets the lock.
 */
function inOwnTransaction<T>(connection: Libsql.Database, statement: () => T): T {
  if (connection.inTransaction) return statement();
  connection.exec("begin immediate");
  try {
    const result = statement();
    connection.exec("commit");
    return result;
  } catch (error) {
    if (connection.inTransaction) connection.exec("rollback");
    throw error;
  }
}

/** Values as libsql takes them: it ends the whole process on a boolean. */
function bound(parameters: readonly unknown[]): unknown[] {
  return parameters.map((value) => {
    if (typeof value === "boolean") return value ? 1 : 0;
    if (value === undefined || value === null) return null;
    if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return value;
    throw new TypeError(
      `a SQLite parameter cannot be of type ${typeof value}; write dates as Unix ms, objects as JSON, bytes as base64`,
    );
  });
}
