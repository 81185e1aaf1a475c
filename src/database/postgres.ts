import type { Dialect } from "kysely";
import type { Pool } from "pg";
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from "./limits.ts";

/** Object ids of Postgres' types whose values pg would hand out as text. */
const INT8 = 20;
const NUMERIC = 1_700;

export interface PostgresOptions {
  readonly url: string;
  readonly poolMax: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** A connection broke while nobody used it. */
  onError(error: Error): void;
}

/** Postgres through pg, with a bounded pool and a limit on every wait. 64-bit integers and sums arrive as numbers. */
export async function postgresDialect(options: PostgresOptions): Promise<{ dialect: Dialect; pool: Pool }> {
  const [{ PostgresDialect }, { default: pg }] = await Promise.all([import("kysely"), import("pg")]);
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.poolMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // The client gives up a little later than the server, so that the server's error comes first.
    query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    types: {
      // Counts, nano-dollars and Unix ms all stay far below 2^53.
      getTypeParser: (id, format) => {
        if (id === INT8 || id === NUMERIC) return Number;
        return pg.types.getTypeParser(id, format as "text");
      },
    },
  });
  pool.on("error", options.onError);
  // The pool listens to idle connections only: one that breaks between two statements of a transaction would end the process.
  pool.on("connect", (client) => client.on("error", options.onError));
  return { dialect: new PostgresDialect({ pool }), pool };
}
