import { errorCode } from "./observer.ts";

export type DatabaseErrorCode = "DATABASE_UNAVAILABLE" | "DATABASE_BUSY" | "DATABASE_CLOSED" | "DATABASE_TOO_NEW";

/** The database did not take the statement: try again later (`DATABASE_UNAVAILABLE`, `DATABASE_BUSY`), or never. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly code: DatabaseErrorCode;

  constructor(code: DatabaseErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Node's network errors, Postgres' classes 08 (connection) and 57P (shutting down), too many clients. */
const CONNECTION_CODES =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|08\w{3}|57P0\d|53300|SQLITE_(IOERR\w*|CANTOPEN\w*|NOTADB|CORRUPT\w*))$/;
/** What pg and libsql say without a code. */
const CONNECTION_MESSAGES =
  /Connection terminated|timeout expired|timeout exceeded when trying to connect|Unable to open connection|Client has encountered a connection error/;

/** True where the connection is at fault, not the statement: the next statement would fail as well. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Node tries both address families and wraps what each said.
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  return CONNECTION_CODES.test(errorCode(error)) || CONNECTION_MESSAGES.test(error.message);
}
