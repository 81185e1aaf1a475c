import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Deepest folder nesting of a store; ends the walk where somebody linked a folder into itself. */
const DEPTH_MAX = 8;

/** Something that retention can delete whole: a block, a segment, a file that was set aside. */
export interface DeletableItem {
  readonly name: string;
  readonly bytes: number;
  /** Time of its newest data, Unix ms; the item with the smallest goes first. */
  readonly maxTimeMs: number;
}

/** Bytes of all files below a folder; 0 where there is none. Files that vanish during the walk count as 0. */
export async function directoryBytes(dir: string, depthMax = DEPTH_MAX): Promise<number> {
  let sum = 0;
  for (const entry of await entriesOf(dir)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) sum += depthMax > 0 ? await directoryBytes(path, depthMax - 1) : 0;
    else if (entry.isFile()) sum += await fileBytes(path);
  }
  return sum;
}

/**
 * Which items to delete, oldest first, so that together with `fixedBytes` (the WAL and what else cannot be deleted)
 * they stay within `bytesMax`.
 */
export function itemsOverBudget<T extends DeletableItem>(
  items: readonly T[],
  fixedBytes: number,
  bytesMax: number,
): T[] {
  let total = fixedBytes;
  for (const item of items) total += item.bytes;
  const doomed: T[] = [];
  for (const item of [...items].sort((left, right) => left.maxTimeMs - right.maxTimeMs)) {
    if (total <= bytesMax) break;
    doomed.push(item);
    total -= item.bytes;
  }
  return doomed;
}

async function entriesOf(dir: string) {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function fileBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
