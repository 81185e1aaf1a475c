import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { zstdDecompress } from "../runtime/zstd.ts";
import { syncDir } from "./atomic-file.ts";
import { snappyUncompress } from "./snappy-block.ts";
import { StorageError } from "./storage-error.ts";
import { PAGE_BYTES, RECORD_BYTES_MAX, SNAPPY_FLAG, segmentName, segmentNumbers, ZSTD_FLAG } from "./wal-format.ts";
import { type FramedRecord, SegmentParser, WalDamage } from "./wal-parse.ts";

/** Bytes read at once; with the record under way this is all that replay holds. */
const READ_BYTES = 32 * PAGE_BYTES;

export interface WalDamageInfo {
  readonly segment: number;
  /** Offset in the segment of the first byte that is not usable. */
  readonly offset: number;
  readonly reason: string;
  /** Names of the files in the WAL's folder that now hold what was cut off; empty with `resync`. */
  readonly setAside: readonly string[];
}

export interface ReadWalOptions {
  /** Segments before it are not read. */
  fromSegment?: number;
  /**
   * `truncate`: the log ends where damage begins, as Prometheus repairs it. The damaged segment is cut there; what was
   * cut off and all later segments are kept under names that no reader takes for segments.
   * `resync`: files stay as they are and reading goes on at the next page that begins a record.
   */
  damage: "truncate" | "resync";
  onDamage?(info: WalDamageInfo): void;
}

export interface WalRecord {
  /** Borrowed: valid until the next record is asked for. */
  readonly record: Uint8Array;
  readonly segment: number;
}

/**
 * Reads all records in order; memory is bounded by the largest record. Call it before `Wal.open`.
 * A folder that does not exist holds no records. @throws StorageError when a file cannot be opened or set aside.
 */
export async function* readWal(dir: string, options: ReadWalOptions): AsyncGenerator<WalRecord> {
  const segments = (await listSegments(dir)).filter((segment) => segment >= (options.fromSegment ?? 0));
  for (const [index, segment] of segments.entries()) {
    if (index > 0 && segment !== segments[index - 1]! + 1) {
      const damage = new WalDamage(0, `segment ${segmentName(segments[index - 1]! + 1)} is missing`);
      if (options.damage === "resync") options.onDamage?.(describe(damage, segment, []));
      else return await setAside(dir, segments.slice(index), damage, options);
    }
    const handle = await open(join(dir, segmentName(segment)), "r");
    try {
      yield* readSegment(handle, segment, options);
    } catch (error) {
      if (!(error instanceof WalDamage)) throw error;
      if (options.damage === "truncate") return await setAside(dir, segments.slice(index), error, options);
      options.onDamage?.(describe(error, segment, []));
    } finally {
      await handle.close();
    }
  }
}

/** The segments that lie in a WAL's folder, ascending; none when there is no folder. */
async function listSegments(dir: string): Promise<number[]> {
  try {
    return segmentNumbers(await readdir(dir));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** @throws WalDamage with `truncate` only. */
async function* readSegment(handle: FileHandle, segment: number, options: ReadWalOptions): AsyncGenerator<WalRecord> {
  const parser = new SegmentParser();
  const buffer = new Uint8Array(READ_BYTES);
  // One call per run of damage: pages of garbage after the first say nothing new.
  let inDamage = false;
  const onDamage = (damage: WalDamage): void => {
    if (options.damage === "truncate") throw damage;
    if (!inDamage) options.onDamage?.(describe(damage, segment, []));
    inDamage = true;
    parser.resync();
  };
  for (let blockOffset = 0; ; ) {
    const blockBytes = await readBlock(handle, buffer, blockOffset);
    for (let start = 0; start < blockBytes; start += PAGE_BYTES) {
      const page = buffer.subarray(start, Math.min(start + PAGE_BYTES, blockBytes));
      try {
        for (const framed of parser.parse(page, blockOffset + start)) {
          const record = await uncompress(framed);
          inDamage = false;
          yield { record, segment };
        }
      } catch (error) {
        if (!(error instanceof WalDamage)) throw error;
        onDamage(error);
      }
    }
    blockOffset += blockBytes;
    if (blockBytes < READ_BYTES) break;
  }
  try {
    parser.finish();
  } catch (error) {
    if (!(error instanceof WalDamage)) throw error;
    onDamage(error);
  }
}

/** Fills the buffer as far as the file goes. A sector that cannot be read is damage like any other. */
async function readBlock(handle: FileHandle, buffer: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    try {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    } catch (error) {
      throw new WalDamage(position + filled, `cannot read: ${(error as Error).message}`);
    }
  }
  return filled;
}

async function uncompress({ bytes, flags, offset }: FramedRecord): Promise<Uint8Array> {
  try {
    if (flags & SNAPPY_FLAG) return snappyUncompress(bytes, RECORD_BYTES_MAX);
    if (flags & ZSTD_FLAG) return await zstdDecompress(Buffer.from(bytes), RECORD_BYTES_MAX);
    return bytes;
  } catch (error) {
    throw new WalDamage(offset, `record does not decompress: ${(error as Error).message}`);
  }
}

/** Cuts the log at the damage; `segments` begins with the damaged one. */
async function setAside(
  dir: string,
  segments: readonly number[],
  damage: WalDamage,
  options: ReadWalOptions,
): Promise<void> {
  const [damaged, ...later] = segments as [number, ...number[]];
  const names: string[] = [];
  try {
    const tail = await cutTail(dir, damaged, damage.offset);
    if (tail !== undefined) names.push(tail);
    for (const segment of later) {
      const name = damagedName(segment, 0);
      await rename(join(dir, segmentName(segment)), join(dir, name));
      names.push(name);
    }
    await syncDir(dir);
  } catch (error) {
    const message = `cannot repair WAL segment ${segmentName(damaged)} in ${dir}: ${(error as Error).message}`;
    throw new StorageError("STORAGE_WRITE_FAILED", message, { cause: error });
  }
  options.onDamage?.(describe(damage, damaged, names));
}

/** Copies the segment's bytes from `offset` on to a file of their own, then cuts them off; returns its name. */
async function cutTail(dir: string, segment: number, offset: number): Promise<string | undefined> {
  const path = join(dir, segmentName(segment));
  const name = damagedName(segment, offset);
  if (offset === 0) {
    await rename(path, join(dir, name));
    return name;
  }
  let kept = true;
  try {
    await pipeline(createReadStream(path, { start: offset }), createWriteStream(join(dir, name)));
  } catch {
    // A full disk or an unreadable sector: the evidence is lost, but a start must not fail for it.
    await rm(join(dir, name), { force: true });
    kept = false;
  }
  const handle = await open(path, "r+");
  try {
    await handle.truncate(offset);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return kept ? name : undefined;
}

/** `00000003-4711.damaged`: what was cut off from segment 3 at byte 4711. */
function damagedName(segment: number, offset: number): string {
  return `${segmentName(segment)}-${offset}.damaged`;
}

function describe(damage: WalDamage, segment: number, names: readonly string[]): WalDamageInfo {
  return { segment, offset: damage.offset, reason: damage.message, setAside: names };
}
