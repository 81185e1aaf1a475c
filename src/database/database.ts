import { open } from "node:fs/promises";
import type { Kysely, Transaction } from "kysely";
import type { Pool } from "pg";
import type { Logger } from "../runtime/logger.ts";
import { DatabaseError, isConnectionError } from "./database-error.ts";
import { POOL_WAITERS_MAX, RECONNECT_MS } from "./limits.ts";
import { type DatabaseKind, type Migration, migrate } from "./migrations.ts";
import { type DatabaseObserver, errorCode, observationOf } from "./observer.ts";
import { inTransaction } from "./transaction.ts";

export interface DatabaseOptions {
  /** SQLite file, or `:memory:`; its folder exists. Used when `url` is undefined. */
  readonly file: string;
  /** Postgres. */
  readonly url: string | undefined;
  readonly poolMax: number;
  /** The role; shown in Postgres' list of sessions and in our log lines. */
  readonly name: string;
  readonly logger: Logger;
  readonly observer?: DatabaseObserver;
}

/** Connections of the pool as they stand; SQLite has one, which is in use while a statement runs. */
export interface PoolNumbers {
  readonly size: number;
  readonly active: number;
  readonly idle: number;
  readonly waiting: number;
  readonly max: number;
}

/** The tables of one component. */
export interface Tables<Schema> {
  readonly kind: DatabaseKind;
  /** @throws DatabaseError when the database is away, full of waiting callers or closed; the driver's error else. */
  run<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  /** As `run`, all or nothing. */
  transaction<T>(work: (db: Transaction<Schema>) => Promise<T>): Promise<T>;
  /**
   * Resolves when what has been committed survives a power cut; a killed process it survives at once. Postgres has synced
   * it already; SQLite syncs now and then only, and here off the caller's thread.
   */
  synced(): Promise<void>;
}

interface Connection {
  readonly db: Kysely<unknown>;
  readonly pool: Pool | undefined;
}

/**
 * A role's database: SQLite in its data folder, or Postgres. It is opened at the first use and never blocks a start:
 * while it cannot be reached, callers get DATABASE_UNAVAILABLE at once and it is tried again in the background.
 */
export class Database {
  readonly kind: DatabaseKind;
  readonly #options: DatabaseOptions;
  #connecting: Promise<Connection> | undefined;
  #connection: Connection | undefined;
  /** Why it is away; undefined while it is in use. */
  #downBecause: Error | undefined;
  #reconnectTimer: NodeJS.Timeout | undefined;
  #reconnectMs: number = RECONNECT_MS.first;
  #active = 0;
  #closed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.kind = options.url === undefined ? "sqlite" : "postgres";
  }

  /** False from the first failed connection until one succeeds. */
  get available(): boolean {
    return this.#downBecause === undefined && !this.#closed;
  }

  pool(): PoolNumbers {
    const pool = this.#connection?.pool;
    if (pool === undefined) {
      const size = this.#connection === undefined ? 0 : 1;
      const active = Math.min(size, this.#active);
      return { size, active, idle: size - active, waiting: Math.max(0, this.#active - 1), max: 1 };
    }
    const { totalCount: size, idleCount: idle, waitingCount: waiting } = pool;
    return { size, active: size - idle, idle, waiting, max: this.#options.poolMax };
  }

  /**
   * The tables of one component; they are made, or brought to their newest version, before their first use.
   * @param migrations The schema's steps, oldest first.
   */
  component<Schema>(name: string, migrations: readonly Migration[]): Tables<Schema> {
    let migrated: Promise<void> | undefined;
    const run = async <T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T> =>
      this.#use(async (db) => {
        migrated ??= migrate(db, this.kind, name, migrations).catch((error: Error) => {
          migrated = undefined;
          throw error;
        });
        await migrated;
        return work(db as Kysely<Schema>);
      });
    return {
      kind: this.kind,
      run,
      transaction: (work) => run((db) => inTransaction(db, work)),
      synced: () => this.#synced(),
    };
  }

  async #synced(): Promise<void> {
    const { url, file } = this.#options;
    if (url !== undefined || file === ":memory:") return;
    // The log first: what has left it for the file has been synced there.
    for (const path of [`${file}-wal`, file]) {
      try {
        const handle = await open(path, "r");
        await handle.datasync().finally(() => handle.close());
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  }

  /** Waits for nobody: statements under way fail. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#reconnectTimer);
    // A connection that never came has nothing to end; whoever waited for it has its error.
    const connection = await this.#connecting?.catch(() => undefined);
    await connection?.db.destroy();
  }

  async #use<T>(work: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
    if (this.#closed) throw new DatabaseError("DATABASE_CLOSED", "the database is closed");
    if (this.#downBecause !== undefined) throw this.#unavailable(this.#downBecause);
    let reached = false;
    this.#active++;
    try {
      const { db, pool } = await this.#connect();
      reached = true;
      if (pool !== undefined && pool.waitingCount >= POOL_WAITERS_MAX) {
        this.#options.observer?.poolError?.("pool_full");
        throw new DatabaseError(
          "DATABASE_BUSY",
          `${pool.waitingCount} callers wait for a connection; the limit is ${POOL_WAITERS_MAX}`,
        );
      }
      return await work(db);
    } catch (error) {
      if (this.#closed || (reached && !isConnectionError(error))) throw error;
      this.#goDown(error as Error);
      throw this.#unavailable(error as Error);
    } finally {
      this.#active--;
    }
  }

  #connect(): Promise<Connection> {
    this.#connecting ??= this.#open().then(
      (connection) => {
        this.#connection = connection;
        return connection;
      },
      (error: Error) => {
        this.#connecting = undefined;
        throw error;
      },
    );
    return this.#connecting;
  }

  async #open(): Promise<Connection> {
    const { file, url, poolMax, name, observer } = this.#options;
    const { Kysely } = await import("kysely");
    const log = (event: Parameters<typeof observationOf>[0]): void => observer?.query?.(observationOf(event));
    if (url === undefined) {
      const { sqliteDialect } = await import("./sqlite.ts");
      return { db: new Kysely<unknown>({ dialect: await sqliteDialect(file), log }), pool: undefined };
    }
    const { postgresDialect } = await import("./postgres.ts");
    const { dialect, pool } = await postgresDialect({
      url,
      poolMax,
      applicationName: `gatewayz-${name}`,
      onError: (error) => this.#goDown(error),
    });
    return { db: new Kysely<unknown>({ dialect, log }), pool };
  }

  #unavailable(cause: Error): DatabaseError {
    return new DatabaseError("DATABASE_UNAVAILABLE", `the database cannot be used: ${reasonOf(cause)}`, cause);
  }

  #goDown(error: Error): void {
    this.#options.observer?.poolError?.(errorCode(error));
    if (this.#closed || this.#downBecause !== undefined) return;
    this.#downBecause = error;
    this.#options.logger.error({ error: reasonOf(error), database: this.kind }, "database lost; trying again");
    this.#reconnectMs = RECONNECT_MS.first;
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    this.#reconnectTimer = setTimeout(() => void this.#reconnect(), this.#reconnectMs);
    this.#reconnectTimer.unref();
    this.#reconnectMs = Math.min(this.#reconnectMs * 2, RECONNECT_MS.last);
  }

  /** Never rejects. */
  async #reconnect(): Promise<void> {
    try {
      const { sql } = await import("kysely");
      const { db } = await this.#connect();
      await sql`select 1`.execute(db);
      if (this.#closed) return;
      this.#downBecause = undefined;
      this.#options.logger.info({ database: this.kind }, "database is back");
    } catch (error) {
      this.#options.observer?.poolError?.(errorCode(error));
      if (!this.#closed) this.#reconnectLater();
    }
  }
}

/** pg and Node may leave the message of a refused connection empty and say it in the parts. */
function reasonOf(error: Error): string {
  if (error.message !== "") return error.message;
  if (error instanceof AggregateError) return error.errors.map((part: Error) => part.message).join("; ");
  return errorCode(error);
}
