import type { FastifyInstance, FastifyRequest } from "fastify";
import { decodeBody, decodeSnappyBlock } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { StorageError } from "../../storage/storage-error.ts";
import type { StreamEntries } from "../entry.ts";
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

/** `POST /loki/api/v1/push`, and the path of Loki's first API. */
export function addPushRoutes(app: FastifyInstance, { store, metrics }: ApiContext): void {
  const labelsParser = new StreamLabelsParser();
  for (const path of ["/loki/api/v1/push", "/api/prom/push"]) {
    app.post(path, async (request, reply) => {
      const streams = await readPush(request, labelsParser);
      if (streams.length === 0) throw new HttpError(422, "error at least one valid stream is required for ingestion");
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
      return reply.code(204).send();
    });
  }
}

async function readPush(request: FastifyRequest, labelsParser: StreamLabelsParser): Promise<StreamEntries[]> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const encoding = request.headers["content-encoding"];
  const type = (request.headers["content-type"] ?? "application/json").split(";", 1)[0]!.trim().toLowerCase();
  if (type === "application/json") return readPushJson(await decodeBody(encoding, body, PUSH_BYTES_MAX));
  if (type === "application/x-protobuf") {
    // Agents send a snappy block whether or not a header says so.
    const snappy = encoding === undefined || encoding === "" || encoding === "snappy";
    const message = snappy
      ? await decodeSnappyBlock(body, PUSH_BYTES_MAX)
      : await decodeBody(encoding, body, PUSH_BYTES_MAX);
    return readPushProto(message, labelsParser);
  }
  throw new HttpError(
    415,
    `Content type ${JSON.stringify(type.slice(0, 100))} is not supported; send application/json or application/x-protobuf`,
  );
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
