import { Readable } from "node:stream";
import { promisify } from "node:util";
import { constants, createGzip, gzip } from "node:zlib";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiError } from "./api-error.ts";

/** Smaller replies are sent as they are: gzip would cost more than it saves. */
const GZIP_BYTES_MIN = 1_024;
const GZIP_LEVEL = constants.Z_BEST_SPEED;
/** As Prometheus sends it: without a charset, which fastify would add to text; hence buffers everywhere. */
const JSON_TYPE = "application/json";
const gzipAsync = promisify(gzip);

/** Warnings and infos of a reply, and the text that goes between `"data":` and the end. */
export interface ApiResult {
  /** JSON text in pieces, so that a large result is never held as one string. */
  readonly data: Iterable<string>;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** A reply whose data is small enough for `JSON.stringify`. */
export function json(data: unknown, warnings: readonly string[] = []): ApiResult {
  return { data: [JSON.stringify(data)], warnings };
}

/** Sends `{"status":"success","data":…}`, compressed where the client takes it. */
export async function sendSuccess(request: FastifyRequest, reply: FastifyReply, result: ApiResult): Promise<unknown> {
  reply.header("content-type", JSON_TYPE);
  return sendPieces(request, reply, envelope(result));
}

export function sendError(reply: FastifyReply, error: ApiError): unknown {
  return reply
    .code(error.status)
    .header("content-type", JSON_TYPE)
    .send(Buffer.from(JSON.stringify({ status: "error", errorType: error.type, error: error.message })));
}

function* envelope({ data, warnings = [], infos = [] }: ApiResult): Generator<string> {
  yield '{"status":"success","data":';
  yield* data;
  if (warnings.length > 0) yield `,"warnings":${JSON.stringify(warnings)}`;
  if (infos.length > 0) yield `,"infos":${JSON.stringify(infos)}`;
  yield "}";
}

/** Sends text in pieces: at once when it is short, as a stream when it is long. The content type must be set. */
async function sendPieces(request: FastifyRequest, reply: FastifyReply, pieces: Iterable<string>): Promise<unknown> {
  const chunks = grouped(pieces);
  const first = chunks.next();
  const head = first.done ? "" : first.value;
  const second = chunks.next();
  const zipped = acceptsGzip(request) && (second.done !== true || head.length >= GZIP_BYTES_MIN);
  reply.header("vary", "Accept-Encoding");
  if (zipped) reply.header("content-encoding", "gzip");
  if (second.done) return reply.send(zipped ? await gzipAsync(head, { level: GZIP_LEVEL }) : Buffer.from(head));
  const stream = Readable.from(resume(head, second.value, chunks));
  if (!zipped) return reply.send(stream);
  const compressed = createGzip({ level: GZIP_LEVEL });
  // Joined so that an error, or a client that leaves, ends both; the error reaches fastify through `compressed`.
  stream.once("error", (error) => compressed.destroy(error));
  compressed.once("close", () => stream.destroy());
  return reply.send(stream.pipe(compressed));
}

function* resume(first: string, second: string, rest: Iterable<string>): Generator<Buffer> {
  yield Buffer.from(first);
  yield Buffer.from(second);
  for (const piece of rest) yield Buffer.from(piece);
}

const CHUNK_CHARS = 64 * 1024; // 64 Ki

function* grouped(pieces: Iterable<string>): Generator<string, undefined> {
  let held: string[] = [];
  let size = 0;
  for (const piece of pieces) {
    held.push(piece);
    size += piece.length;
    if (size < CHUNK_CHARS) continue;
    yield held.join("");
    held = [];
    size = 0;
  }
  if (size > 0) yield held.join("");
  return undefined;
}

function acceptsGzip(request: FastifyRequest): boolean {
  const header = request.headers["accept-encoding"] ?? "";
  return String(header)
    .split(",")
    .some((part) => /^\s*gzip\s*(;\s*q\s*=\s*(0\.\d*[1-9]\d*|1(\.0+)?))?\s*$/i.test(part));
}
