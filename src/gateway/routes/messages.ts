import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { stringAt } from "../json.ts";
import { resolveTargets } from "../routing/resolve.ts";
import { estimateInputTokens } from "../usage/estimate.ts";
import { type InferenceRoute, readJsonBody, serveInference } from "./inference.ts";
import { validateMessages } from "./validate.ts";

const ROUTE: InferenceRoute = { dialect: "anthropic", validate: validateMessages };

/** `POST /v1/messages` and `/v1/messages/count_tokens` (Anthropic API reference, "Messages"). */
export function registerMessages(app: FastifyInstance, gateway: Gateway): void {
  app.post("/v1/messages", (request, reply) => serveInference(gateway, ROUTE, request, reply));
  // An estimate for every provider: it costs no call and needs no provider that can count.
  app.post("/v1/messages/count_tokens", async (request, reply) => {
    const body = await readJsonBody(gateway, request);
    const { requestedModel } = validateMessages(body, false);
    await resolveTargets(gateway.providers, gateway.catalog, requestedModel, stringAt(body, "provider"), false);
    reply.header("x-gatewayz-token-count", "estimate");
    return { input_tokens: Math.max(1, estimateInputTokens(body)) };
  });
}
