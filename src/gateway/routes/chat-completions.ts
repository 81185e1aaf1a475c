import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { Conversation } from "../translation/conversation.ts";
import { type InferenceRoute, serveInference } from "./inference.ts";
import { validateChat } from "./validate.ts";

const ROUTE: InferenceRoute = {
  validate: validateChat,
  begin: (body, { traceId }) => new Conversation("openai", body, traceId),
};

/** `POST /v1/chat/completions` (OpenAI API reference, "Chat"). */
export function registerChatCompletions(app: FastifyInstance, gateway: Gateway): void {
  app.post("/v1/chat/completions", (request, reply) => serveInference(gateway, ROUTE, request, reply));
}
