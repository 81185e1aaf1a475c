/** Every file and folder of the traces store, below the role's data folder. */
export const WAL_DIR = "wal";
export const SEGMENTS_DIR = "segments";

/** Number of starts that did not come to the end of their replay. */
export const STARTS_FILE = "unfinished-starts";

/** Where a log goes that no start survived reading. */
export function setAsideWalName(atMs: number): string {
  return `${WAL_DIR}.set-aside-${atMs}`;
}

const SEGMENT_NAME = /^(\d{8})\.spans$/;

/** `00000042.spans`: segments are numbered in the order in which they were written. */
export function segmentFileName(sequence: number): string {
  return `${String(sequence).padStart(8, "0")}.spans`;
}

/** The number of a segment's file name; undefined for any other file. */
export function segmentSequence(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Where a segment goes whose directory cannot be read; nothing reads or deletes it again but a person. */
export function setAsideName(name: string): string {
  return `${name}.damaged`;
}
