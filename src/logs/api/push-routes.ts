import type { FastifyInstance, FastifyRequest } from "fastify";
import { decodeBody, decodeSnappyBlock } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { StorageError } from "../../storage/storage-error.ts";
import type { StreamEntries } from "../entry.ts";
import { otlpToStreams } from "../ingest/otlp.ts";
import { readOtlpJson } from "../ingest/otlp-json.ts";
import { readOtlpProto } from "../ingest/otlp-proto.ts";
import { readPushJson } from "../ingest/push-json.ts";
import { readPushProto } from "../ingest/push-proto.ts";
import { StreamLabelsParser } from "../ingest/stream-labels.ts";
import { validatePush } from "../ingest/validate.ts";
import { PUSH_BYTES_MAX } from "../limits.ts";
import { TENANT } from "../metrics.ts";
import { IngestRefused } from "../store/store.ts";
import type { ApiContext } from "./context.ts";

/** Seconds after which a sender should try again when the disk or memory is full. */
const RETRY_AFTER_SECONDS = 5;

/** `POST /loki/api/v1/push`, the path of Loki's first API, and OTLP's `POST /otlp/v1/logs`. */
export function addPushRoutes(app: FastifyInstance, context: ApiContext): void {
  const labelsParser = new StreamLabelsParser();
  for (const path of ["/loki/api/v1/push", "/api/prom/push"]) {
    app.post(path, async (request, reply) => {
      const streams = await readPush(request, labelsParser);
      if (streams.length === 0) throw new HttpError(422, "error at least one valid stream is required for ingestion");
      await accept(context, streams);
      return reply.code(204).send();
    });
  }
  app.post("/otlp/v1/logs", async (request, reply) => {
    await accept(context, await readOtlp(request));
    return reply.code(204).send();
  });
}

/** Validates, stores and counts; resolves when what is valid is written. @throws HttpError for what is not. */
async function accept({ store, metrics }: ApiContext, streams: readonly StreamEntries[]): Promise<void> {
  const push = validatePush(streams, {
    nowMs: Date.now(),
    activeStreams: store.activeStreams,
    hasStream: (labels) => store.hasStream(labels),
    discard: (reason, lines, bytes) => metrics.discard(reason, lines, bytes),
  });
  metrics.linesReceived.inc({ tenant: TENANT }, push.lines);
  metrics.bytesReceived.inc({ tenant: TENANT }, push.bytes);
  if (push.streams.length > 0) await store.append(push.streams).catch((error: unknown) => refuse(error, metrics));
  if (push.refusal !== undefined) throw new HttpError(push.refusal.status, push.refusal.message);
}

async function readOtlp(request: FastifyRequest): Promise<StreamEntries[]> {
  const body = await decodeBody(request.headers["content-encoding"], bodyOf(request), PUSH_BYTES_MAX);
  const type = contentTypeOf(request);
  if (type === "application/json") return otlpToStreams(readOtlpJson(body), Date.now());
  if (type === "application/x-protobuf") return otlpToStreams(readOtlpProto(body), Date.now());
  throw unsupported(type);
}

function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function contentTypeOf(request: FastifyRequest): string {
  return (request.headers["content-type"] ?? "application/json").split(";", 1)[0]!.trim().toLowerCase();
}

function unsupported(type: string): HttpError {
  return new HttpError(
    415,
    `Content type ${JSON.stringify(type.slice(0, 100))} is not supported; send application/json or application/x-protobuf`,
  );
}

async function readPush(request: FastifyRequest, labelsParser: StreamLabelsParser): Promise<StreamEntries[]> {
  const body = bodyOf(request);
  const encoding = request.headers["content-encoding"];
  const type = contentTypeOf(request);
  if (type === "application/json") return readPushJson(await decodeBody(encoding, body, PUSH_BYTES_MAX));
  if (type === "application/x-protobuf") {
    // Agents send a snappy block whether or not a header says so.
    const snappy = encoding === undefined || encoding === "" || encoding === "snappy";
    const message = snappy
      ? await decodeSnappyBlock(body, PUSH_BYTES_MAX)
      : await decodeBody(encoding, body, PUSH_BYTES_MAX);
    return readPushProto(message, labelsParser);
  }
  throw unsupported(type);
}

/** Senders keep what was not acknowledged and try again later. */
function refuse(error: unknown, metrics: ApiContext["metrics"]): never {
  if (error instanceof IngestRefused) throw new HttpError(429, error.message, RETRY_AFTER_SECONDS);
  if (error instanceof StorageError) {
    if (error.code === "STORAGE_FULL") metrics.walDiskFull.inc();
    throw new HttpError(
      error.code === "STORAGE_TOO_LARGE" ? 413 : 503,
      `cannot store the push: ${error.message}`,
      RETRY_AFTER_SECONDS,
    );
  }
  throw error;
}
