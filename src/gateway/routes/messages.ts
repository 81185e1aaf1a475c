import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Gateway } from "../gateway.ts";
import { type JsonObject, parseObject } from "../json.ts";
import { readBody, UpstreamCall } from "../providers/upstream-call.ts";
import { UpstreamError } from "../providers/upstream-error.ts";
import { postOptions } from "../providers/upstream-request.ts";
import { randomHex } from "../record.ts";
import { readWishes } from "../routing/preferences.ts";
import type { Target } from "../routing/resolve.ts";
import { Conversation } from "../translation/conversation.ts";
import { estimateInputTokens } from "../usage/estimate.ts";
import { type InferenceRoute, serveInference } from "./inference.ts";
import { readJsonBody } from "./json-body.ts";
import { validateMessages } from "./validate.ts";

const COUNT_TIMEOUT_MS = 5_000;
const COUNT_BYTES_MAX = 64 * 1024; // 64 KiB

const ROUTE: InferenceRoute = {
  validate: validateMessages,
  begin: (body, { traceId }) => new Conversation("anthropic", body, traceId),
};

/** `POST /v1/messages` and `/v1/messages/count_tokens` (Anthropic API reference, "Messages"). */
export function registerMessages(app: FastifyInstance, gateway: Gateway): void {
  app.post("/v1/messages", (request, reply) => serveInference(gateway, ROUTE, request, reply));
  app.post("/v1/messages/count_tokens", async (request, reply) => {
    const body = await readJsonBody(gateway, request);
    const { requestedModel } = validateMessages(body, false);
    const plan = await gateway.routing.router.plan({
      model: requestedModel,
      wishes: readWishes(body),
      client: request.record!.client!,
      probe: false,
    });
    const [target] = plan.targets;
    const counted = await countAtProvider(target!, body, request);
    if (counted === undefined) reply.header("x-gatewayz-token-count", "estimate");
    return { input_tokens: counted ?? Math.max(1, estimateInputTokens(body)) };
  });
}

/** The provider's own count; undefined for those that have none, and when it cannot be had: an estimate serves as well. */
async function countAtProvider(target: Target, body: JsonObject, request: FastifyRequest): Promise<number | undefined> {
  const { provider, model } = target;
  const { countTokens } = provider.wire(model);
  if (countTokens === undefined || provider.simulated) return undefined;
  const { provider: _own, models: _others, ...rest } = body;
  const options = await postOptions({
    provider,
    credential: provider.credentials[0]!,
    model,
    path: countTokens.path(provider, model),
    body: countTokens.encode({ ...rest, model }, provider, model),
    stream: false,
    record: request.record!,
    attempt: { spanId: randomHex(8) },
    clientHeaders: request.headers,
    sampled: true,
  });
  const call = new UpstreamCall(provider.pool, options);
  const timer = setTimeout(() => call.cancel("count limit"), COUNT_TIMEOUT_MS);
  try {
    const { status } = await call.head;
    const reply = parseObject((await readBody(call, COUNT_BYTES_MAX)).toString("utf8"));
    return status === 200 && reply !== undefined ? countTokens.decode(reply) : undefined;
  } catch (error) {
    if (error instanceof UpstreamError) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
