/** All names of files and folders in a store's folder; they are Prometheus' own but where we say otherwise. */
export const WAL_DIR = "wal";
export const META_FILE = "meta.json";
export const INDEX_FILE = "index";
export const TOMBSTONES_FILE = "tombstones";
export const CHUNKS_DIR = "chunks";
/** Ours: how often reading the WAL was begun and not ended. Prometheus passes over it. */
export const REPLAY_ATTEMPTS_FILE = "replay.attempts";

/** Suffixes of folders that a crash left half made or half removed; deleted at the next start, as Prometheus does. */
export const CREATION_SUFFIX = ".tmp-for-creation";
export const DELETION_SUFFIX = ".tmp-for-deletion";
/** Suffix of a block whose bytes contradict themselves; it is kept for people to look at, and no reader takes it for a block. */
export const CORRUPT_SUFFIX = ".corrupt";

const CHECKPOINT_NAME = /^checkpoint\.(\d{8,})$/;
const ULID_NAME = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** `checkpoint.00000007`: the state of the head when segment 7 ended; it stands for segments 0 to 7. */
export function checkpointName(segment: number): string {
  return `checkpoint.${String(segment).padStart(8, "0")}`;
}

/** The segment number in a checkpoint's name, or undefined for any other name. */
export function checkpointSegment(name: string): number | undefined {
  const match = CHECKPOINT_NAME.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** `000001`, `000002`, …: the chunk files of a block. */
export function chunkFileName(sequence: number): string {
  return String(sequence).padStart(6, "0");
}

export function isBlockName(name: string): boolean {
  return ULID_NAME.test(name);
}
