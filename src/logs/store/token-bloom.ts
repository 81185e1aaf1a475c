import { BloomFilter } from "../../storage/bloom-filter.ts";
import type { Rows } from "./rows.ts";

/** Tokens (runs of ASCII letters and digits) are indexed in windows of this many bytes; shorter ones are left out. */
const WINDOW_BYTES = 8;
/** A filter's keys are sampled no further than this: 128 KiB of filter for a block of 1 MiB. */
const KEYS_MAX = 100_000;

/** 1 for bytes that belong to a token. */
const IS_TOKEN = new Uint8Array(256);
for (const char of "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") IS_TOKEN[char.charCodeAt(0)] = 1;

/**
 * The filter of a block: for every token of at least 8 bytes, its windows at 0, 8, 16, … . A trace id of 32 digits
 * gives four. Undefined for a block with so many different tokens that a filter would not pay.
 */
export function buildTokenBloom(rows: Rows): BloomFilter | undefined {
  const hashes = new Set<number>();
  for (const column of [rows.lines, rows.metadata]) {
    if (column === undefined) continue;
    // A token that runs from one value into the next would hide the second one's start, so values are cut apart.
    let start = 0;
    for (const end of column.ends) {
      addTokens(column.bytes, start, end, hashes);
      start = end;
    }
    if (hashes.size > KEYS_MAX) return undefined;
  }
  const bloom = BloomFilter.forKeys(hashes.size);
  for (const hash of hashes) bloom.add(hash);
  return bloom;
}

function addTokens(bytes: Uint8Array, start: number, end: number, hashes: Set<number>): void {
  let at = start;
  while (at < end) {
    while (at < end && IS_TOKEN[bytes[at]!] === 0) at++;
    const tokenStart = at;
    while (at < end && IS_TOKEN[bytes[at]!] === 1) at++;
    for (let window = tokenStart; window + WINDOW_BYTES <= at; window += WINDOW_BYTES)
      hashes.add(hashWindow(bytes, window));
  }
}

/** FNV-1a over one window, 32 bits. */
function hashWindow(bytes: Uint8Array, start: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < start + WINDOW_BYTES; index++) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  return hash >>> 0;
}

/**
 * What a filter must hold for a text to occur in the block: every group must have one alternative of which all hashes
 * are held. Empty for a text that no filter can exclude.
 */
export type BloomQuery = readonly (readonly (readonly number[])[])[];

/**
 * The query for a text that occurs somewhere in a line, or for a whole value (`whole`).
 * Inside the text, tokens with both ends in it are known exactly. One that touches an end may be a piece of a longer
 * token, so its windows can lie at any of 8 offsets: each is an alternative.
 */
export function bloomQueryFor(text: string, whole: boolean): BloomQuery {
  const bytes = Buffer.from(text);
  const groups: number[][][] = [];
  let at = 0;
  while (at < bytes.length) {
    while (at < bytes.length && IS_TOKEN[bytes[at]!] === 0) at++;
    const start = at;
    while (at < bytes.length && IS_TOKEN[bytes[at]!] === 1) at++;
    const startKnown = whole || start > 0;
    const alternatives: number[][] = [];
    for (let shift = 0; shift < (startKnown ? 1 : WINDOW_BYTES); shift++) {
      const hashes: number[] = [];
      for (let window = start + shift; window + WINDOW_BYTES <= at; window += WINDOW_BYTES) {
        hashes.push(hashWindow(bytes, window));
      }
      alternatives.push(hashes);
    }
    // An alternative without a window excludes nothing, and then neither does the group.
    if (at > start && alternatives.every((hashes) => hashes.length > 0)) groups.push(alternatives);
  }
  return groups;
}

/** False: the block does not hold the text. True: it may. */
export function bloomMayHold(bloom: BloomFilter, query: BloomQuery): boolean {
  return query.every((alternatives) => alternatives.some((hashes) => hashes.every((hash) => bloom.mayHold(hash))));
}
