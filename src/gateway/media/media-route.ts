import { join } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Gateway } from "../gateway.ts";
import type { JsonObject } from "../json.ts";
import type { InferenceRequest } from "../request-record.ts";
import { type InferenceRoute, serveInference } from "../routes/inference.ts";
import { readJsonBody } from "../routes/json-body.ts";
import { uploadOfBase64 } from "./base64-upload.ts";
import { MediaDialogue, type MediaOperation } from "./media-dialogue.ts";
import { readUpload, type Upload } from "./upload.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The body is an upload, which may be longer than other bodies and is read by the route itself. */
    upload?: boolean;
  }
}

const UPLOADS_FOLDER = "uploads";

/** A route whose request is JSON. */
export function serveMedia(
  gateway: Gateway,
  operation: MediaOperation,
  validate: InferenceRoute["validate"],
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const { telemetry } = gateway;
  const route: InferenceRoute = {
    validate,
    begin: (body) => new MediaDialogue(operation, body, undefined, telemetry),
  };
  return (request, reply) => serveInference(gateway, route, request, reply);
}

/** A route whose request is an upload: multipart, or JSON that holds the file in base64. */
export function serveUpload(
  gateway: Gateway,
  operation: MediaOperation,
  form: "multipart" | "base64",
  validate: (body: JsonObject, upload: Upload) => InferenceRequest,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const { telemetry } = gateway;
  const directory = join(gateway.context.dataDir, UPLOADS_FOLDER);
  const { uploadBytesMax } = gateway.context.config.gateway.safety;
  return (request, reply) => {
    let upload: Upload | undefined;
    // The reply's end is also the end of every attempt that may still read the files.
    reply.raw.once("close", () => void upload?.close());
    const route: InferenceRoute = {
      read: async () => {
        upload =
          form === "multipart"
            ? await readUpload(request.raw, directory, uploadBytesMax)
            : await uploadOfBase64(await readJsonBody(gateway, request), directory);
        if (request.record)
          request.record.requestBodyBytes = upload.files.reduce((sum, { spool }) => sum + spool.bytes, 0);
        if (reply.raw.destroyed) await upload.close();
        return upload.asObject();
      },
      validate: (body) => validate(body, upload!),
      begin: (body) => new MediaDialogue(operation, body, upload!, telemetry),
    };
    return serveInference(gateway, route, request, reply);
  };
}

/** Leaves multipart bodies unread for the routes of this scope. */
export function acceptUploads(scope: FastifyInstance): void {
  scope.addContentTypeParser("multipart/form-data", (_request, _body, done) => done(null, undefined));
}
