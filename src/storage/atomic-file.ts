import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { writeError } from "./storage-error.ts";

/**
 * Replaces `path` by `content` so that a reader, or a start after a crash, sees the old file or the new one and
 * nothing between: written beside it as `<path>.tmp`, fsynced, renamed, folder fsynced.
 * @throws StorageError STORAGE_FULL or STORAGE_WRITE_FAILED; the old file is untouched.
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const handle = await open(temporary, "w", mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDir(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(`write ${path}`, error);
  }
}

/** Makes names that were created, renamed or removed in a folder survive a power cut. */
export async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes all of `bytes` at `position`, over as many write calls as the kernel wants.
 * @throws the file system's error; a part may have been written.
 */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const result = await handle.write(bytes, written, bytes.length - written, position + written);
    written += result.bytesWritten;
  }
}
