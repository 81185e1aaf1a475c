import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../../runtime/logger.ts";
import { SyncWal, type WalPosition } from "../../storage/sync-wal.ts";
import { readWal } from "../../storage/wal.ts";
import { decodeEntry, ENTRY_BYTES_MAX, encodeEntry, type LedgerEntry, type ReservationEntry } from "./entries.ts";
import { SEGMENT_ROTATE_BYTES, WAL_BYTES_MAX } from "./limits.ts";

const ID_FILE = "ledger-id";
const ID_BYTES = 12;

/** A reservation of an earlier process that nobody settled. */
export interface OpenReservation {
  readonly entry: ReservationEntry;
  readonly position: WalPosition;
}

/** The usage log on disk: entries that are on file when they are written, and those of earlier processes. */
export class UsageLog {
  readonly id: string;
  readonly #dir: string;
  readonly #logger: Logger;
  readonly #wal: SyncWal;
  /** Segments from it on are this process' own. */
  readonly #ownFrom: number;
  readonly #scratch = Buffer.allocUnsafe(ENTRY_BYTES_MAX);
  /** Open reservations by segment: such a segment is still needed. */
  readonly #openIn = new Map<number, number>();
  #failing = false;

  private constructor(dir: string, id: string, wal: SyncWal, logger: Logger) {
    this.id = id;
    this.#dir = dir;
    this.#wal = wal;
    this.#ownFrom = wal.position.segment;
    this.#logger = logger;
  }

  /**
   * Reads what earlier processes left and opens the log for writing.
   * @throws StorageError, or the file system's error, where the folder cannot be used.
   */
  static async open(dir: string, logger: Logger): Promise<{ log: UsageLog; open: OpenReservation[] }> {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const id = readOrCreateId(join(dir, ID_FILE));
    const open = new Map<string, OpenReservation>();
    await scan(dir, logger, Number.POSITIVE_INFINITY, (entry, position) => {
      if (entry.kind === "reservation") open.set(nameOf(position), { entry, position });
      else open.delete(nameOf(entry));
    });
    const onError = (error: Error): void => logger.error({ error: error.message }, "usage log failed");
    const wal = SyncWal.open({ dir, onError });
    return { log: new UsageLog(dir, id, wal, logger), open: [...open.values()] };
  }

  get bytes(): number {
    return this.#wal.bytes;
  }

  get position(): WalPosition {
    return this.#wal.position;
  }

  /** Writes an entry; undefined where the disk refuses or the log has its full size, which is logged once. */
  write(entry: LedgerEntry): WalPosition | undefined {
    try {
      if (this.#wal.bytes > WAL_BYTES_MAX) throw new Error(`the usage log has its full size of ${WAL_BYTES_MAX} bytes`);
      const position = this.#wal.append(this.#scratch.subarray(0, encodeEntry(this.#scratch, entry)));
      if (entry.kind === "reservation") {
        this.#openIn.set(position.segment, (this.#openIn.get(position.segment) ?? 0) + 1);
      }
      if (this.#failing) this.#logger.info("usage log can be written again");
      this.#failing = false;
      return position;
    } catch (error) {
      if (!this.#failing) {
        this.#logger.error({ error: (error as Error).message }, "usage log cannot be written; a crash now loses usage");
      }
      this.#failing = true;
      return undefined;
    }
  }

  /** A reservation of this process has been settled: its segment is needed for one entry less. */
  settled(segment: number): void {
    const left = (this.#openIn.get(segment) ?? 0) - 1;
    if (left > 0) this.#openIn.set(segment, left);
    else this.#openIn.delete(segment);
  }

  /** Ends a large segment; what comes later lies after the position that this returns. */
  mark(): WalPosition {
    try {
      if (this.#wal.segmentBytes > SEGMENT_ROTATE_BYTES) this.#wal.rotate();
    } catch (error) {
      this.#logger.error({ error: (error as Error).message }, "usage log cannot begin a new segment");
    }
    return this.#wal.position;
  }

  /** Deletes what is in the database and of which nothing is open. */
  forgetBefore(applied: WalPosition): void {
    const needed = Math.min(applied.segment, ...this.#openIn.keys());
    try {
      this.#wal.truncateBefore(needed);
    } catch (error) {
      this.#logger.error({ error: (error as Error).message }, "old usage log cannot be deleted");
    }
  }

  /** Settlements of earlier processes that come after `applied`. */
  async replay(applied: WalPosition | undefined, take: (entry: LedgerEntry) => void): Promise<void> {
    await scan(this.#dir, this.#logger, this.#ownFrom, (entry, { segment, index }) => {
      const known =
        applied !== undefined && (segment < applied.segment || (segment === applied.segment && index < applied.index));
      if (!known) take(entry);
    });
  }

  close(): void {
    this.#wal.close();
  }
}

/** Reads the entries of the segments before `end`, oldest first. Damage ends the log, as it does when a write was torn. */
async function scan(
  dir: string,
  logger: Logger,
  end: number,
  take: (entry: LedgerEntry, position: WalPosition) => void,
): Promise<void> {
  let segment = -1;
  let index = 0;
  const onDamage = ({ reason, setAside }: { reason: string; setAside: readonly string[] }): void =>
    logger.warn({ reason, setAside }, "usage log ends in damage; the rest was set aside");
  for await (const read of readWal(dir, { damage: "truncate", onDamage })) {
    if (read.segment >= end) break;
    index = read.segment === segment ? index + 1 : 0;
    segment = read.segment;
    try {
      take(decodeEntry(read.record), { segment, index });
    } catch (error) {
      logger.error({ error: (error as Error).message, segment, index }, "usage log has an entry that cannot be read");
    }
  }
}

function nameOf({ segment, index }: WalPosition): string {
  return `${segment}:${index}`;
}

function readOrCreateId(file: string): string {
  try {
    const id = readFileSync(file, "utf8").trim();
    if (id !== "") return id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const id = randomBytes(ID_BYTES).toString("hex");
  writeFileSync(file, `${id}\n`, { mode: 0o600, flush: true });
  return id;
}
