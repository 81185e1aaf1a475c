import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { acceptUploads, serveMedia, serveUpload } from "../media/media-route.ts";
import { validateSpeech, validateTranscription } from "../media/validate-media.ts";

const UPLOAD = { config: { upload: true } } as const;

/**
 * `POST /v1/audio/transcriptions` (also `/base64`), `/v1/audio/translations` and `/v1/audio/speech` (OpenAI API
 * reference, "Audio").
 */
export function registerAudio(app: FastifyInstance, gateway: Gateway): void {
  const transcriptions = { path: "/audio/transcriptions", makes: "text" } as const;
  app.post("/v1/audio/speech", serveMedia(gateway, { path: "/audio/speech", makes: "sound" }, validateSpeech));
  app.post("/v1/audio/transcriptions/base64", serveUpload(gateway, transcriptions, "base64", validateTranscription));
  app.register(async (scope) => {
    acceptUploads(scope);
    for (const path of ["/audio/transcriptions", "/audio/translations"]) {
      const serve = serveUpload(gateway, { path, makes: "text" }, "multipart", validateTranscription);
      scope.post(`/v1${path}`, UPLOAD, serve);
    }
  });
}
