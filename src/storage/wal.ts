import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncDir, writeFully } from "./atomic-file.ts";
import { StorageError, writeError } from "./storage-error.ts";
import { RECORD_BYTES_MAX, segmentName, segmentNumbers, segmentToBegin } from "./wal-format.ts";
import { type EncodedRecord, encodeRecord, WalFrame } from "./wal-frame.ts";

export { readWal, type WalDamageInfo } from "./wal-read.ts";

const SEGMENT_BYTES_DEFAULT = 128 * 1024 * 1024; // 128 MiB, as Prometheus
const FSYNC_INTERVAL_DEFAULT_MS = 1_000;
/** A group of callers is written in pieces of about this size. */
const WRITE_BYTES = 1024 * 1024;
/** Most encoded bytes that wait for a slow disk; past it `append` is refused at once. */
const PENDING_BYTES_MAX = 128 * 1024 * 1024;

export interface WalOptions {
  /** The WAL's own folder; made where it is missing. */
  dir: string;
  /** A multiple of the page size, 32 KiB. */
  segmentBytesMax?: number;
  compression?: "none" | "snappy";
  /** Time between fdatasync calls, ms; 0 syncs before each acknowledgement. */
  fsyncIntervalMs?: number;
  /** A failure that no caller waits for: an fsync between two appends. */
  onError?(error: StorageError): void;
  /** Seconds that each fdatasync took. */
  onFsync?(seconds: number): void;
}

/** The records of one `append` call, in the queue. */
interface PendingAppend {
  readonly records: readonly EncodedRecord[];
  readonly bytes: number;
  resolve(): void;
  reject(error: StorageError): void;
}

/**
 * The write-ahead log of one engine, in Prometheus' format. Repair and replay come first (`readWal`); opening starts a
 * segment after the existing ones. Callers that append at the same time share one write and, with `fsyncIntervalMs` 0,
 * one fsync.
 */
export class Wal {
  readonly #options: WalOptions;
  readonly #frame: WalFrame;
  readonly #segmentBytes: Map<number, number>;
  #handle: FileHandle;
  #segment: number;
  /** Bytes of the current segment that are written whole. */
  #offset = 0;
  #segmentFull = false;
  #pending: PendingAppend[] = [];
  #pendingBytes = 0;
  /** Writes, rotations and truncations happen one after another. */
  #turn: Promise<void> = Promise.resolve();
  #dirty = false;
  #failure: StorageError | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  private constructor(options: WalOptions, handle: FileHandle, segment: number, segmentBytes: Map<number, number>) {
    this.#options = options;
    this.#handle = handle;
    this.#segment = segment;
    this.#segmentBytes = segmentBytes;
    this.#frame = new WalFrame(options.segmentBytesMax ?? SEGMENT_BYTES_DEFAULT);
    const intervalMs = options.fsyncIntervalMs ?? FSYNC_INTERVAL_DEFAULT_MS;
    if (intervalMs > 0) {
      this.#timer = setInterval(() => void this.#syncIfDirty(), intervalMs);
      this.#timer.unref();
    }
  }

  /** Repairs nothing; read the WAL with `readWal` before. @throws StorageError when the folder cannot be written. */
  static async open(options: WalOptions): Promise<Wal> {
    try {
      await mkdir(options.dir, { recursive: true });
      const segmentBytes = new Map<number, number>();
      for (const segment of segmentNumbers(await readdir(options.dir))) {
        segmentBytes.set(segment, (await stat(join(options.dir, segmentName(segment)))).size);
      }
      const segment = segmentToBegin(segmentBytes);
      const handle = await open(join(options.dir, segmentName(segment)), "w+");
      await syncDir(options.dir);
      segmentBytes.set(segment, 0);
      return new Wal(options, handle, segment, segmentBytes);
    } catch (error) {
      throw writeError(`open WAL in ${options.dir}`, error);
    }
  }

  /** Bytes of all segments. */
  get bytes(): number {
    let sum = 0;
    for (const bytes of this.#segmentBytes.values()) sum += bytes;
    return sum;
  }

  get firstSegment(): number {
    return Math.min(...this.#segmentBytes.keys());
  }

  get lastSegment(): number {
    return this.#segment;
  }

  /**
   * Resolves when the kernel holds all records (with `fsyncIntervalMs` 0: when the disk does). The bytes are borrowed
   * until then. After a rejection some of the records may still be read by a later replay.
   * @throws StorageError; a failed group leaves the segment as it was, so that appending can go on when there is room.
   */
  append(records: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (records.length === 0) return Promise.resolve();
    const compression = this.#options.compression ?? "snappy";
    const encoded = records.map((record) => encodeRecord(record, compression));
    let bytes = 0;
    for (const [index, record] of encoded.entries()) {
      bytes += record.bytes.length;
      const limit = Math.min(this.#frame.recordBytesMax, RECORD_BYTES_MAX);
      if (records[index]!.length <= RECORD_BYTES_MAX && record.bytes.length <= limit) continue;
      return Promise.reject(
        new StorageError("STORAGE_TOO_LARGE", `WAL record of ${records[index]!.length} bytes; the limit is ${limit}`),
      );
    }
    if (this.#pendingBytes + bytes > PENDING_BYTES_MAX) {
      return Promise.reject(
        new StorageError(
          "STORAGE_WRITE_FAILED",
          `${this.#pendingBytes} bytes wait for the disk; the limit is ${PENDING_BYTES_MAX}`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ records: encoded, bytes, resolve, reject });
      this.#pendingBytes += bytes;
      if (this.#pending.length === 1) void this.#exclusive(() => this.#flush());
    });
  }

  /** Closes the current segment; returns the number of the new one. @throws StorageError */
  rotate(): Promise<number> {
    return this.#exclusive(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#nextSegment();
      return this.#segment;
    });
  }

  /** Deletes the segments before `segment`; never the current one. */
  truncateBefore(segment: number): Promise<void> {
    return this.#exclusive(async () => {
      for (const number of [...this.#segmentBytes.keys()]) {
        if (number >= segment || number === this.#segment) continue;
        await rm(join(this.#options.dir, segmentName(number)), { force: true });
        this.#segmentBytes.delete(number);
      }
      await syncDir(this.#options.dir);
    });
  }

  /** Writes what is pending, syncs and closes; later appends are refused. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.#exclusive(async () => {
      if (this.#failure?.code === "STORAGE_CLOSED") return;
      const wasSound = this.#failure === undefined;
      this.#failure = new StorageError("STORAGE_CLOSED", "the WAL is closed");
      try {
        if (wasSound && this.#dirty) await this.#handle.datasync();
      } finally {
        await this.#handle.close();
      }
    });
  }

  #exclusive<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.then(
      () => undefined,
      () => undefined, // the caller of `action` has the error
    );
    return result;
  }

  /** Writes the queue as it stands; each caller learns of its own records. Never throws. */
  async #flush(): Promise<void> {
    const group = this.#pending;
    this.#pending = [];
    let settled = 0;
    const acknowledge = (count: number): void => {
      for (; settled < count; settled++) {
        this.#pendingBytes -= group[settled]!.bytes;
        group[settled]!.resolve();
      }
    };
    try {
      if (this.#failure !== undefined) throw this.#failure;
      for (const [index, { records }] of group.entries()) {
        for (const record of records) {
          if (this.#segmentFull || !this.#frame.fits(record.bytes.length)) await this.#nextSegment();
          this.#frame.add(record);
        }
        if (this.#frame.length >= WRITE_BYTES && index + 1 < group.length) {
          await this.#write();
          acknowledge(index + 1);
        }
      }
      await this.#write();
      acknowledge(group.length);
    } catch (error) {
      const failure = writeError(`write WAL segment ${segmentName(this.#segment)}`, error);
      this.#frame.reset(this.#offset);
      // A limit on file size (ulimit -f) below the segment's would refuse every later record too; a new file takes them.
      const { cause } = failure;
      if ((cause as NodeJS.ErrnoException | undefined)?.code === "EFBIG") this.#segmentFull = true;
      for (const caller of group.slice(settled)) {
        this.#pendingBytes -= caller.bytes;
        caller.reject(failure);
      }
    }
  }

  /** Writes the framed bytes; on failure cuts the file back to its last whole write. */
  async #write(): Promise<void> {
    if (this.#frame.length === 0) return;
    try {
      await writeFully(this.#handle, this.#frame.view(), this.#offset);
    } catch (error) {
      await this.#cutBack();
      throw error;
    }
    this.#offset += this.#frame.length;
    this.#segmentBytes.set(this.#segment, this.#offset);
    this.#frame.reset(this.#offset);
    this.#dirty = true;
    if (this.#options.fsyncIntervalMs === 0) await this.#sync(this.#handle);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #cutBack(): Promise<void> {
    try {
      await this.#handle.truncate(this.#offset);
    } catch (error) {
      // Half a record is at the end and stays there: what we would write after it, no reader would reach.
      this.#fail(`cut WAL segment ${segmentName(this.#segment)} back to ${this.#offset} bytes`, error);
    }
  }

  async #nextSegment(): Promise<void> {
    // Where no more bytes are let into the file, readers take the missing zeros for granted.
    if (!this.#segmentFull) this.#frame.padPage();
    await this.#write();
    await this.#sync(this.#handle);
    if (this.#failure !== undefined) throw this.#failure;
    const next = this.#segment + 1;
    const handle = await open(join(this.#options.dir, segmentName(next)), "w+");
    const previous = this.#handle;
    this.#handle = handle;
    this.#segment = next;
    this.#offset = 0;
    this.#segmentFull = false;
    this.#segmentBytes.set(next, 0);
    this.#frame.reset(0);
    await previous.close();
    await syncDir(this.#options.dir);
  }

  async #syncIfDirty(): Promise<void> {
    if (this.#dirty && this.#failure === undefined) await this.#sync(this.#handle);
  }

  /** After a failed fsync the kernel may have dropped the pages and call the file clean, so it is never tried again. */
  async #sync(handle: FileHandle): Promise<void> {
    this.#dirty = false;
    const startedAt = performance.now();
    try {
      await handle.datasync();
      this.#options.onFsync?.((performance.now() - startedAt) / 1_000);
    } catch (error) {
      this.#fail(`fsync WAL segment ${segmentName(this.#segment)}`, error);
    }
  }

  #fail(doing: string, cause: unknown): void {
    if (this.#failure !== undefined) return;
    const reason = (cause as Error).message;
    this.#failure = new StorageError(
      "STORAGE_READ_ONLY",
      `cannot ${doing}: ${reason}; nothing more is accepted until a restart`,
      { cause },
    );
    this.#options.onError?.(this.#failure);
  }
}
