import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32c } from "../../storage/crc32c.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { type OtlpVisitor, readOtlpTraces } from "../ingest/otlp-reader.ts";
import { exportRequest, spanIdOf, traceIdOf } from "../testing.ts";
import { decodeColumn } from "./column-codec.ts";
import { decodeCore } from "./core-codec.ts";
import { Head } from "./head.ts";
import { HeadBlock } from "./head-block.ts";
import { SegmentBlock } from "./segment-block.ts";
import { readDirectory } from "./segment-file.ts";
import { decodeDirectory } from "./segment-format.ts";
import { writeSegment } from "./segment-write.ts";
import { attributeScopes } from "./span-block.ts";

let dir: string;
let path: string;
let sound: Buffer;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "traces-fuzz-"));
  path = join(dir, "segment");
  const head = new Head();
  let resource = 0;
  let scope = 0;
  const visitor: OtlpVisitor = {
    resource: (...parts) => (resource = head.internResource(...parts)),
    scope: (...parts) => (scope = head.internScope(...parts)),
    span: (span) => head.append(span, resource, scope),
  };
  const spans = Array.from({ length: 6 }, (_none, index) => ({
    traceId: traceIdOf(index % 3),
    spanId: spanIdOf(index),
    parentSpanId: spanIdOf(index - 3),
    attributes: { n: index, text: `value ${index}`, ok: true, ratio: 1.5 },
    events: [{ name: "e", attributes: { a: index } }],
  }));
  readOtlpTraces(exportRequest(spans), visitor);
  await writeSegment(path, new HeadBlock(head), 1);
  sound = await readFile(path);
});

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** Reads everything of a segment; damage must show as StorageError and nothing else. */
async function readAll(file: string): Promise<"sound" | "damaged"> {
  try {
    const { directory } = await readDirectory(file);
    for (const entry of directory.blocks) {
      const block = await SegmentBlock.load(file, entry);
      await block.prepare(
        attributeScopes.flatMap((scope) => [...block.attributeKeys(scope)].map((key) => ({ scope, key }))),
      );
      await block.rawSpans(0, block.rowCount);
    }
    return "sound";
  } catch (error) {
    if (error instanceof StorageError) return "damaged";
    throw error;
  }
}

/** Runs a decoder; it may return or throw StorageError. */
function decode(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}

describe("segment reader", () => {
  test("every cut of a segment is seen as damage", async () => {
    expect(await readAll(path)).toBe("sound");
    const damaged = join(dir, "cut");
    for (let length = 0; length < sound.length; length += 13) {
      await writeFile(damaged, sound.subarray(0, length));
      expect(await readAll(damaged), `cut at ${length}`).toBe("damaged");
    }
  });

  test("flipped bits are seen as damage, or lie where nothing is read", async () => {
    const damaged = join(dir, "flip");
    let seen = 0;
    for (let at = 0; at < sound.length; at += 11) {
      const bytes = Buffer.from(sound);
      bytes[at]! ^= 1 << (at % 8);
      await writeFile(damaged, bytes);
      if ((await readAll(damaged)) === "damaged") seen++;
    }
    // Bloom filter and trace index are not read here; they have checksums too.
    expect(seen).toBeGreaterThan((sound.length / 11) * 0.8);
  });

  test("a directory with any bytes behind a valid checksum is a directory or a StorageError", async () => {
    const damaged = join(dir, "directory");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 }),
        async (changes) => {
          const bytes = Buffer.from(sound);
          const offset = Number(bytes.readBigInt64BE(bytes.length - 24));
          const length = bytes.readUInt32BE(bytes.length - 16);
          for (const [at, byte] of changes) bytes[offset + (at % length)] = byte;
          bytes.writeUInt32BE(crc32c(bytes, offset, offset + length), bytes.length - 12);
          await writeFile(damaged, bytes);
          await readAll(damaged);
        },
      ),
      { numRuns: 150, seed: 4 },
    );
  });

  test("decoders take any bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(bytes, fc.nat({ max: 40 }), (input, rows) => {
        decode(() => decodeCore(input, rows));
        decode(() => decodeColumn(input, rows, 5));
        decode(() => decodeDirectory(input, 1_000));
      }),
      { numRuns: 2_000, seed: 5 },
    );
  });
});
