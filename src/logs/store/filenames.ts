import { join } from "node:path";

/** Every path of the logs store, below the role's data folder. */
export function walDir(dataDir: string): string {
  return join(dataDir, "wal");
}

export function segmentsDir(dataDir: string): string {
  return join(dataDir, "segments");
}

const SEGMENT = /^(\d{8})\.logs$/;

/** `00000007.logs` */
export function segmentFileName(sequence: number): string {
  return `${String(sequence).padStart(8, "0")}.logs`;
}

/** The sequence number of a segment's file name; undefined for any other file. */
export function segmentSequence(name: string): number | undefined {
  const match = SEGMENT.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** What a file that cannot be read at all is renamed to; it is kept for a person to look at. */
export function damagedFileName(name: string): string {
  return `${name}.damaged`;
}
