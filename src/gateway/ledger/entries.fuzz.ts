import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeEntry, ENTRY_BYTES_MAX, encodeEntry, type LedgerEntry, LedgerEntryError, RESULTS } from "./entries.ts";
import { TEXT_CHARS_MAX } from "./limits.ts";

const text = fc
  .string({ unit: "grapheme", maxLength: 40 })
  .filter((value) => value.length <= TEXT_CHARS_MAX && Buffer.from(value).toString() === value);
const tokens = fc.nat(2 ** 31 - 1);
const common = {
  atMs: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  nanoUsd: fc.nat(2 ** 31 - 1),
  subject: fc.record({
    keyId: text,
    team: text,
    provider: text,
    model: text,
    endUser: text,
    endpoint: text,
    tags: fc.array(text, { maxLength: 16 }),
    stream: fc.boolean(),
    budgeted: fc.boolean(),
  }),
  tokens: fc.record({ input: tokens, output: tokens, cachedInput: tokens, cacheWriteInput: tokens, reasoning: tokens }),
};
const entries: fc.Arbitrary<LedgerEntry> = fc.oneof(
  fc.record({ kind: fc.constant("reservation" as const), ...common }),
  fc.record({
    kind: fc.constant("settlement" as const),
    ...common,
    result: fc.constantFrom(...RESULTS),
    segment: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    index: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  }),
);

test("any entry comes back as it was", () => {
  const target = Buffer.alloc(ENTRY_BYTES_MAX);
  fc.assert(
    fc.property(entries, (entry) => {
      expect(decodeEntry(target.subarray(0, encodeEntry(target, entry)))).toEqual(entry);
    }),
  );
});

test("any bytes are an entry or an error, never something else", () => {
  const target = Buffer.alloc(ENTRY_BYTES_MAX);
  const damaged = fc.tuple(entries, fc.nat(), fc.nat(255), fc.nat()).map(([entry, at, byte, cut]) => {
    const bytes = Buffer.from(target.subarray(0, encodeEntry(target, entry)));
    bytes[at % bytes.length] = byte;
    return bytes.subarray(0, bytes.length - (cut % 40));
  });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      try {
        decodeEntry(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(LedgerEntryError);
      }
    }),
  );
});

test("long texts are cut, many tags left out, and the largest entry fits", () => {
  const target = Buffer.alloc(ENTRY_BYTES_MAX);
  const long = "語".repeat(10_000);
  const subject = {
    keyId: long,
    team: long,
    provider: long,
    model: long,
    endUser: long,
    endpoint: long,
    tags: Array.from({ length: 99 }, () => long),
    stream: true,
    budgeted: true,
  };
  const huge = { input: 1e300, output: -5, cachedInput: Number.NaN, cacheWriteInput: 1.5, reasoning: 0 };
  const length = encodeEntry(target, { kind: "reservation", atMs: 1, nanoUsd: 1, subject, tokens: huge });
  expect(length).toBe(ENTRY_BYTES_MAX);
  const { subject: read, tokens: counts } = decodeEntry(target);
  expect([read.model.length, read.tags.length]).toEqual([TEXT_CHARS_MAX, 16]);
  expect(counts).toEqual({ input: 0xffff_ffff, output: 0, cachedInput: 0, cacheWriteInput: 2, reasoning: 0 });
});
