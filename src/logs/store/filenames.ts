import { join } from "node:path";

/** Every path of the logs store, below the role's data folder. */
export function walDir(dataDir: string): string {
  return join(dataDir, "wal");
}

export function segmentsDir(dataDir: string): string {
  return join(dataDir, "segments");
}

const SEGMENT = /^(\d{8})(?:-(\d{8}))?\.logs$/;

/** The flushes that a segment file holds, by their numbers, both ends in. */
export interface SegmentRange {
  readonly first: number;
  readonly last: number;
}

/** `00000007.logs`; `00000001-00000006.logs` for a merged one. */
export function segmentFileName({ first, last }: SegmentRange): string {
  const number = (sequence: number): string => String(sequence).padStart(8, "0");
  return first === last ? `${number(first)}.logs` : `${number(first)}-${number(last)}.logs`;
}

/** What a segment's file name says; undefined for any other file. */
export function segmentRange(name: string): SegmentRange | undefined {
  const match = SEGMENT.exec(name);
  if (match === null) return undefined;
  const first = Number(match[1]);
  return { first, last: Number(match[2] ?? first) };
}

/** What a file that cannot be read at all is renamed to; it is kept for a person to look at. */
export function damagedFileName(name: string): string {
  return `${name}.damaged`;
}
