import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { PlainDialogue, type PlainOperation } from "../translation/plain-dialogue.ts";
import { TextCompletionDialogue } from "../translation/text-completion.ts";
import { type InferenceRoute, serveInference } from "./inference.ts";
import { validateCompletion, validateEmbedding, validateModeration, validateRerank } from "./validate-plain.ts";

/** The endpoints that pass through to providers of OpenAI's format (OpenAI API reference; rerank as Cohere defined it). */
const OPERATIONS: readonly (PlainOperation & { readonly validate: InferenceRoute["validate"] })[] = [
  { path: "/embeddings", answerIn: "data", textIn: "input", metered: true, validate: validateEmbedding },
  { path: "/moderations", answerIn: "results", textIn: "input", metered: false, validate: validateModeration },
  { path: "/rerank", answerIn: "results", textIn: "documents", metered: true, validate: validateRerank },
];

/** `POST /v1/embeddings`, `/v1/completions`, `/v1/moderations` and `/v1/rerank`. */
export function registerPlain(app: FastifyInstance, gateway: Gateway): void {
  for (const { validate, ...operation } of OPERATIONS) {
    const route: InferenceRoute = { validate, begin: (body) => new PlainDialogue(operation, body, false) };
    app.post(`/v1${operation.path}`, (request, reply) => serveInference(gateway, route, request, reply));
  }
  const text: InferenceRoute = { validate: validateCompletion, begin: (body) => new TextCompletionDialogue(body) };
  app.post("/v1/completions", (request, reply) => serveInference(gateway, text, request, reply));
}
