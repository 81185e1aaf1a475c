import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader, ByteWriter } from "./varint.ts";

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.copy();
}

// From Go's encoding/binary.
const unsigned = [
  { value: 0, hex: "00" },
  { value: 127, hex: "7f" },
  { value: 128, hex: "8001" },
  { value: 300, hex: "ac02" },
  { value: 2 ** 32, hex: "8080808010" },
  { value: Number.MAX_SAFE_INTEGER, hex: "ffffffffffffff0f" },
];
for (const { value, hex } of unsigned) {
  test(`uvarint: ${value}`, () => {
    expect(Buffer.from(written((writer) => writer.uvarint(value))).toString("hex")).toBe(hex);
    expect(new ByteReader(Buffer.from(hex, "hex")).uvarint()).toBe(value);
  });
}

const bad = [
  { name: "no bytes", hex: "", code: "STORAGE_TRUNCATED" },
  { name: "ends inside", hex: "80", code: "STORAGE_TRUNCATED" },
  { name: "eleven bytes", hex: "8080808080808080808001", code: "STORAGE_CORRUPT" },
  { name: "past 2^53", hex: "ffffffffffffffff7f", code: "STORAGE_CORRUPT" },
];
for (const { name, hex, code } of bad) {
  test(`uvarint rejects: ${name}`, () => {
    expect(() => new ByteReader(Buffer.from(hex, "hex")).uvarint()).toThrow(expect.objectContaining({ code }));
  });
}

test("bytes: every kind of value survives a round trip", () => {
  const signed = fc.integer({ min: 1 - 2 ** 52, max: 2 ** 52 - 1 });
  const parts = [
    signed,
    fc.maxSafeNat(),
    fc.double(),
    fc.string({ unit: "grapheme", maxLength: 90 }),
    fc.nat(0xffff),
  ] as const;
  fc.assert(
    fc.property(...parts, (integer, natural, double, text, small) => {
      const bytes = written((writer) => {
        writer.varint(integer);
        writer.uvarint(natural);
        writer.f64(double);
        writer.uvarintText(text);
        writer.i64(integer);
        writer.u16(small);
        writer.u32le(small);
        writer.u32(small);
        writer.setU32(writer.length - 4, small + 1);
        writer.u64Halves(small, 7);
      });
      const reader = new ByteReader(bytes);
      expect([reader.varint(), reader.uvarint(), reader.f64(), reader.uvarintText(), reader.i64()]).toEqual([
        integer,
        natural,
        double,
        text,
        integer,
      ]);
      expect([reader.u16(), reader.u32le(), reader.u32(), reader.u32(), reader.u32(), reader.remaining]).toEqual([
        small,
        small,
        small + 1,
        small,
        7,
        0,
      ]);
    }),
  );
});
