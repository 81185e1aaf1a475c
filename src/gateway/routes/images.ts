import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { acceptUploads, serveMedia, serveUpload } from "../media/media-route.ts";
import { validateImages, validateImageUpload } from "../media/validate-media.ts";

/** `POST /v1/images/generations`, `/v1/images/edits` and `/v1/images/variations` (OpenAI API reference, "Images"). */
export function registerImages(app: FastifyInstance, gateway: Gateway): void {
  const generations = { path: "/images/generations", makes: "images" } as const;
  app.post("/v1/images/generations", serveMedia(gateway, generations, validateImages));
  app.register(async (scope) => {
    acceptUploads(scope);
    for (const [path, promptNeeded] of [["/images/edits", true] as const, ["/images/variations", false] as const]) {
      const check: Parameters<typeof serveUpload>[3] = (body, upload) =>
        validateImageUpload(body, upload, promptNeeded);
      scope.post(`/v1${path}`, UPLOAD, serveUpload(gateway, { path, makes: "images" }, "multipart", check));
    }
  });
}

const UPLOAD = { config: { upload: true } } as const;
