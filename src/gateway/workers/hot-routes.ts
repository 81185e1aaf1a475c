/**
 * What a worker answers by itself: the routes that ask a model. Everything else is rare and is about the state of the
 * whole gateway, so the primary answers it.
 */
const HOT_PATHS: ReadonlySet<string> = new Set([
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/v1/responses",
  "/v1/embeddings",
  "/v1/moderations",
  "/v1/rerank",
  "/v1/images/generations",
  "/v1/images/edits",
  "/v1/images/variations",
  "/v1/audio/speech",
  "/v1/audio/transcriptions",
  "/v1/audio/transcriptions/base64",
  "/v1/audio/translations",
]);

/** @param url As it stands in the request line. */
export function isHot(method: string | undefined, url: string): boolean {
  const query = url.indexOf("?");
  return method === "POST" && HOT_PATHS.has(query < 0 ? url : url.slice(0, query));
}
