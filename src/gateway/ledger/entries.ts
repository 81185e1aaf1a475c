import { TAGS_MAX, TEXT_CHARS_MAX } from "./limits.ts";

/** Who asked for what: the dimensions that usage is counted by. Absent ones are empty. */
export interface UsageSubject {
  readonly keyId: string;
  readonly team: string;
  readonly provider: string;
  readonly model: string;
  readonly endUser: string;
  readonly tags: readonly string[];
  /** The route's template. */
  readonly endpoint: string;
  readonly stream: boolean;
  /** False for keys without limits: they have no budget. */
  readonly budgeted: boolean;
}

export interface UsageTokens {
  readonly input: number;
  readonly output: number;
  readonly cachedInput: number;
  readonly cacheWriteInput: number;
  readonly reasoning: number;
}

export const NO_TOKENS: UsageTokens = { input: 0, output: 0, cachedInput: 0, cacheWriteInput: 0, reasoning: 0 };

/** How a request ended; `interrupted` ones were open at a crash and are settled by what was reserved for them. */
export const RESULTS = ["success", "error", "cancelled", "interrupted"] as const;
export type UsageResult = (typeof RESULTS)[number];

/** Logged before the provider is called. */
export interface ReservationEntry {
  readonly kind: "reservation";
  readonly atMs: number;
  readonly subject: UsageSubject;
  readonly tokens: UsageTokens;
  readonly nanoUsd: number;
}

/** Logged before the answer ends. It says everything itself: the reservation may be deleted before it is read. */
export interface SettlementEntry {
  readonly kind: "settlement";
  readonly atMs: number;
  readonly subject: UsageSubject;
  readonly tokens: UsageTokens;
  readonly nanoUsd: number;
  readonly result: UsageResult;
  /** Where the reservation lies; -1 where it could not be written. */
  readonly segment: number;
  readonly index: number;
}

export type LedgerEntry = ReservationEntry | SettlementEntry;

const KINDS = ["reservation", "settlement"] as const;
/** kind, result, flags, tag count, segment, index, five token counts, then the time and the amount. */
const FIXED_BYTES = 4 + 2 * 4 + 5 * 4 + 2 * 8;
const FLAG_STREAM = 1;
const FLAG_BUDGETED = 2;
const TEXTS = 6 + TAGS_MAX;
/** UTF-8 takes at most three bytes per UTF-16 unit; each text has its length in front. */
export const ENTRY_BYTES_MAX = FIXED_BYTES + TEXTS * (2 + 3 * TEXT_CHARS_MAX);

/** Bytes that are no entry: of another version, or damaged in a way that the checksum did not see. */
export class LedgerEntryError extends Error {
  override readonly name = "LedgerEntryError";
}

/** Writes an entry at the start of `target`, which holds ENTRY_BYTES_MAX; returns its length. Format: docs/formats/usage-log.md. */
export function encodeEntry(target: Buffer, entry: LedgerEntry): number {
  const { subject, tokens } = entry;
  const settled = entry.kind === "settlement";
  const tagCount = Math.min(subject.tags.length, TAGS_MAX);
  target[0] = settled ? 1 : 0;
  target[1] = settled ? RESULTS.indexOf(entry.result) : 0;
  target[2] = (subject.stream ? FLAG_STREAM : 0) | (subject.budgeted ? FLAG_BUDGETED : 0);
  target[3] = tagCount;
  target.writeInt32LE(settled ? entry.segment : -1, 4);
  target.writeInt32LE(settled ? entry.index : -1, 8);
  target.writeUInt32LE(count(tokens.input), 12);
  target.writeUInt32LE(count(tokens.output), 16);
  target.writeUInt32LE(count(tokens.cachedInput), 20);
  target.writeUInt32LE(count(tokens.cacheWriteInput), 24);
  target.writeUInt32LE(count(tokens.reasoning), 28);
  target.writeDoubleLE(entry.atMs, 32);
  target.writeDoubleLE(entry.nanoUsd, 40);
  let at = FIXED_BYTES;
  at = writeText(target, at, subject.keyId);
  at = writeText(target, at, subject.team);
  at = writeText(target, at, subject.provider);
  at = writeText(target, at, subject.model);
  at = writeText(target, at, subject.endUser);
  at = writeText(target, at, subject.endpoint);
  for (let index = 0; index < tagCount; index++) at = writeText(target, at, subject.tags[index]!);
  return at;
}

/** @throws LedgerEntryError */
export function decodeEntry(source: Uint8Array): LedgerEntry {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length);
  if (bytes.length < FIXED_BYTES)
    throw new LedgerEntryError(`an entry has at least ${FIXED_BYTES} bytes; got ${bytes.length}`);
  const kind = KINDS[bytes[0]!];
  const result = RESULTS[bytes[1]!];
  const tagCount = bytes[3]!;
  if (kind === undefined || result === undefined || tagCount > TAGS_MAX) {
    throw new LedgerEntryError(`no entry begins with ${bytes.toString("hex", 0, 4)}`);
  }
  const texts: string[] = [];
  let at = FIXED_BYTES;
  while (texts.length < 6 + tagCount) {
    if (at + 2 > bytes.length) throw new LedgerEntryError("an entry ends before its texts do");
    const end = at + 2 + bytes.readUInt16LE(at);
    if (end > bytes.length) throw new LedgerEntryError("an entry ends inside a text");
    texts.push(bytes.toString("utf8", at + 2, end));
    at = end;
  }
  if (at !== bytes.length) throw new LedgerEntryError(`${bytes.length - at} bytes follow an entry`);
  const [keyId, team, provider, model, endUser, endpoint, ...tags] = texts as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const flags = bytes[2]!;
  const base = {
    atMs: bytes.readDoubleLE(32),
    nanoUsd: bytes.readDoubleLE(40),
    subject: {
      keyId,
      team,
      provider,
      model,
      endUser,
      endpoint,
      tags,
      stream: (flags & FLAG_STREAM) !== 0,
      budgeted: (flags & FLAG_BUDGETED) !== 0,
    },
    tokens: {
      input: bytes.readUInt32LE(12),
      output: bytes.readUInt32LE(16),
      cachedInput: bytes.readUInt32LE(20),
      cacheWriteInput: bytes.readUInt32LE(24),
      reasoning: bytes.readUInt32LE(28),
    },
  };
  if (kind === "reservation") return { kind, ...base };
  return { kind, ...base, result, segment: bytes.readInt32LE(4), index: bytes.readInt32LE(8) };
}

/** A number of tokens as it is kept: whole, not negative, below 2^32. */
function count(tokens: number): number {
  return tokens > 0 ? Math.min(Math.round(tokens), 0xffff_ffff) : 0;
}

function writeText(target: Buffer, at: number, text: string): number {
  const kept = text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text;
  const bytes = target.write(kept, at + 2);
  target.writeUInt16LE(bytes, at);
  return at + 2 + bytes;
}
