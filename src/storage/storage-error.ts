/**
 * Every way in which bytes on disk can fail us. FULL and WRITE_FAILED heal by themselves when the cause goes away;
 * READ_ONLY lasts until the process restarts; the others mean that the bytes themselves are wrong.
 */
export type StorageErrorCode =
  /** ENOSPC, EDQUOT or EFBIG: nothing was kept of the failed write. */
  | "STORAGE_FULL"
  /** Any other failed write; nothing was kept of it. */
  | "STORAGE_WRITE_FAILED"
  /** An fsync failed earlier, so the kernel may have dropped pages: nothing more is acknowledged. */
  | "STORAGE_READ_ONLY"
  /** The store was closed. */
  | "STORAGE_CLOSED"
  /** Bytes end before the value that they announce. */
  | "STORAGE_TRUNCATED"
  /** Bytes contradict their format or checksum. */
  | "STORAGE_CORRUPT"
  /** A value is larger than its named limit. */
  | "STORAGE_TOO_LARGE";

/** A failed or refused access to disk, or bytes that cannot be what they claim. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

const FULL_CODES = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Wraps what a write, truncate or rename threw; `doing` says what was tried, as in "write WAL segment 00000003". */
export function writeError(doing: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const full = code !== undefined && FULL_CODES.has(code);
  return new StorageError(full ? "STORAGE_FULL" : "STORAGE_WRITE_FAILED", `cannot ${doing}: ${message}`, { cause });
}
