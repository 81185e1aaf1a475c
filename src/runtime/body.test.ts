import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { compressSync } from "snappy";
import { describe, expect, test } from "vitest";
import { decodeBody, decodeSnappyBlock, parseJson } from "./body.ts";
import { HttpError } from "./http-error.ts";

const LIMIT = 1024 * 1024;
const encoders: Record<string, (data: Buffer) => Buffer> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  snappy: (data) => compressSync(data),
};

describe("content encodings", () => {
  for (const [encoding, encode] of Object.entries(encoders)) {
    test(`${encoding}: any bytes survive`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
          expect([...(await decodeBody(encoding, encode(Buffer.from(bytes)), LIMIT))]).toEqual([...bytes]);
        }),
        { numRuns: 50 },
      );
    });
    test(`${encoding}: a bomb is refused with 413 before its memory is used`, async () => {
      const bomb = encode(Buffer.alloc(64 * LIMIT));
      await expect(decodeBody(encoding, bomb, LIMIT)).rejects.toMatchObject({ status: 413 });
    });
    test(`${encoding}: garbage is 400`, async () => {
      await expect(
        decodeBody(encoding, Buffer.from([0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa]), LIMIT),
      ).rejects.toMatchObject({ status: 400 });
    });
  }
  test("a snappy block that claims 4 GB is refused by its prefix", async () => {
    await expect(decodeSnappyBlock(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]), LIMIT)).rejects.toMatchObject({
      status: 413,
    });
  });
  test("an unknown encoding is 415, and so are many stacked ones", async () => {
    await expect(decodeBody("lzma", Buffer.from("x"), LIMIT)).rejects.toMatchObject({ status: 415 });
    await expect(decodeBody("gzip, gzip, gzip", Buffer.from("x"), LIMIT)).rejects.toMatchObject({ status: 415 });
  });
  test("identity is limited too", async () => {
    await expect(decodeBody(undefined, Buffer.alloc(LIMIT + 1), LIMIT)).rejects.toBeInstanceOf(HttpError);
  });
});

describe("JSON from outside", () => {
  test("what JSON.stringify writes is read back", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        expect(parseJson(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  test("deep nesting is refused, brackets in strings are not nesting", () => {
    expect(() => parseJson("[".repeat(200) + "]".repeat(200))).toThrow(/deeper than 128/);
    expect(parseJson(JSON.stringify("[".repeat(200)))).toBe("[".repeat(200));
    expect(parseJson('"\\"[["')).toBe('"[[');
  });
  test("broken JSON is 400", () => expect(() => parseJson("{")).toThrow(HttpError));
});
