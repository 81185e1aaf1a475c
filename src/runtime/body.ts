import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { uncompressSync as snappyUncompress } from "snappy";
import { HttpError } from "./http-error.ts";
import { zstdDecompress } from "./zstd.ts";

/** Most encodings that one `Content-Encoding` header may stack; more is a zip bomb's sign, not a client's need. */
const ENCODINGS_MAX = 2;
/** Deepest nesting of arrays and objects that a JSON body may have (`JSON.stringify` itself fails near 5,000). */
const JSON_DEPTH_MAX = 128;

type ZlibCall = (
  data: Buffer,
  options: { maxOutputLength: number },
  done: (error: Error | null, out: Buffer) => void,
) => void;

/**
 * Undoes `Content-Encoding` (gzip, deflate, br, zstd, snappy block), never holding more than `bytesMax` of output.
 * @throws HttpError 413 past the limit, 415 for an unknown encoding, 400 for bytes that do not decode.
 */
export async function decodeBody(contentEncoding: string | undefined, body: Buffer, bytesMax: number): Promise<Buffer> {
  const encodings = (contentEncoding ?? "").split(",").map((text) => text.trim().toLowerCase());
  const applied = encodings.filter((text) => text !== "" && text !== "identity").reverse();
  if (applied.length > ENCODINGS_MAX) {
    throw new HttpError(415, `${applied.length} content encodings; the limit is ${ENCODINGS_MAX}`);
  }
  let data = body;
  for (const encoding of applied) data = await decodeOne(encoding, data, bytesMax);
  if (data.length > bytesMax) throw tooLarge(bytesMax);
  return data;
}

async function decodeOne(encoding: string, data: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    switch (encoding) {
      case "gzip":
      case "x-gzip":
        return await callZlib(gunzip, data, bytesMax);
      case "deflate":
        return await callZlib(inflate, data, bytesMax);
      case "br":
        return await callZlib(brotliDecompress as ZlibCall, data, bytesMax);
      case "zstd":
        return await zstdDecompress(data, bytesMax);
      case "snappy":
        return await decodeSnappyBlock(data, bytesMax);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    if (isOverflow(error)) throw tooLarge(bytesMax);
    throw new HttpError(400, `body is not valid ${encoding}: ${(error as Error).message}`);
  }
  throw new HttpError(415, `unsupported content encoding ${JSON.stringify(encoding)}`);
}

/**
 * Decompresses a snappy block (no framing), as remote write and Loki push send it whatever their headers say.
 * The stated length is checked first, because the library allocates whatever the prefix claims.
 * @throws HttpError 413 when the stated length passes `bytesMax`, 400 for bytes that do not decode.
 */
export async function decodeSnappyBlock(data: Buffer, bytesMax: number): Promise<Buffer> {
  const stated = snappyLength(data);
  if (stated === undefined) throw new HttpError(400, "snappy: corrupt input");
  if (stated > bytesMax) throw tooLarge(bytesMax);
  try {
    // In this thread: at 1 GB/s it takes microseconds, while each pool thread would keep megabytes of its own heap.
    return snappyUncompress(data, { asBuffer: true }) as Buffer;
  } catch {
    throw new HttpError(400, "snappy: corrupt input");
  }
}

/** The uvarint in front of a snappy block: its uncompressed length. */
function snappyLength(data: Buffer): number | undefined {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = data[index];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** index;
    if (byte < 0x80) return length;
  }
  return undefined;
}

function callZlib(call: ZlibCall, data: Buffer, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    call(data, { maxOutputLength: bytesMax }, (error, out) => (error === null ? resolve(out) : reject(error)));
  });
}

function isOverflow(error: unknown): boolean {
  return error instanceof RangeError || (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(413, `body is larger than ${bytesMax} bytes`);
}

/**
 * Parses JSON that came from outside.
 * @throws HttpError 400 when the text is no JSON or nests deeper than `depthMax`.
 */
export function parseJson(text: string, depthMax = JSON_DEPTH_MAX): unknown {
  if (nestsDeeperThan(text, depthMax)) throw new HttpError(400, `JSON nests deeper than ${depthMax} levels`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpError(400, `invalid JSON: ${(error as Error).message}`);
  }
}

/** One pass over the text, strings skipped; cheaper than parsing, and bounded where the parser is not. */
function nestsDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > depthMax) return true;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return false;
}
