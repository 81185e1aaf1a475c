import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { PlainDialogue, type PlainOperation } from "../translation/plain-dialogue.ts";
import { type InferenceRoute, serveInference } from "./inference.ts";
import { validateCompletion, validateEmbedding, validateModeration, validateRerank } from "./validate-plain.ts";

/** The endpoints that pass through to providers of OpenAI's format (OpenAI API reference; rerank as Cohere defined it). */
const OPERATIONS: readonly (PlainOperation & { readonly validate: InferenceRoute["validate"] })[] = [
  { path: "/embeddings", answerIn: "data", textIn: "input", metered: true, validate: validateEmbedding },
  { path: "/completions", answerIn: "choices", textIn: "prompt", metered: true, validate: validateCompletion },
  { path: "/moderations", answerIn: "results", textIn: "input", metered: false, validate: validateModeration },
  { path: "/rerank", answerIn: "results", textIn: "documents", metered: true, validate: validateRerank },
];

/** `POST /v1/embeddings`, `/v1/completions`, `/v1/moderations` and `/v1/rerank`. */
export function registerPlain(app: FastifyInstance, gateway: Gateway): void {
  for (const { validate, ...operation } of OPERATIONS) {
    const streams = operation.path === "/completions";
    const route: InferenceRoute = {
      validate,
      begin: (body) => new PlainDialogue(operation, body, streams && body["stream"] === true),
    };
    app.post(`/v1${operation.path}`, (request, reply) => serveInference(gateway, route, request, reply));
  }
}
