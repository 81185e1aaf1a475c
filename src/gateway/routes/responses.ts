import type { FastifyInstance, FastifyRequest } from "fastify";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { type JsonObject, stringAt } from "../json.ts";
import type { RequestRecord } from "../request-record.ts";
import { ResponsesDialogue } from "../responses/dialogue.ts";
import { type ListQuery, listInput } from "../responses/input-list.ts";
import type { StoredResponse } from "../responses/store.ts";
import { type InferenceRoute, serveInference } from "./inference.ts";
import { readJsonBody } from "./json-body.ts";
import { validateResponses } from "./validate-plain.ts";

/** `POST /v1/responses`, and what can be asked of a response later (OpenAI API reference, "Responses"). */
export function registerResponses(app: FastifyInstance, gateway: Gateway): void {
  const route: InferenceRoute = {
    validate: validateResponses,
    begin: (body, record) => beginResponse(gateway, body, record),
  };
  app.post("/v1/responses", (request, reply) => serveInference(gateway, route, request, reply));
  app.get<{ Params: { id: string } }>("/v1/responses/:id", async (request) => stored(gateway, request).response);
  app.get<{ Params: { id: string }; Querystring: ListQuery }>("/v1/responses/:id/input_items", async (request) => {
    return listInput(stored(gateway, request), request.query);
  });
  app.post<{ Params: { id: string } }>("/v1/responses/:id/cancel", async (request) => {
    stored(gateway, request); // 404 first.
    const reason = "Only a response that was made with background: true can be cancelled, and there are none here.";
    throw new GatewayError("INVALID_REQUEST", { reason });
  });
  app.post("/v1/responses/input_tokens", async (request) => {
    const body = await readJsonBody(gateway, request);
    validateResponses(body);
    const dialogue = beginResponse(gateway, body, request.record!);
    return { object: "response.input_tokens", input_tokens: Math.max(1, dialogue.estimateInputTokens()) };
  });
  app.delete<{ Params: { id: string } }>("/v1/responses/:id", async (request) => {
    const { id } = request.params;
    if (!gateway.responses.delete(keyNameOf(request), id)) throw new GatewayError("RESPONSE_NOT_FOUND", { id });
    return { id, object: "response", deleted: true };
  });
}

function beginResponse({ responses }: Gateway, request: JsonObject, record: RequestRecord): ResponsesDialogue {
  const { keyName } = record.client!;
  const previousId = stringAt(request, "previous_response_id");
  // One that is not known here may be known to the provider; the dialogue decides.
  if (previousId !== undefined && responses.isOthers(keyName, previousId)) {
    throw new GatewayError("PREVIOUS_RESPONSE_NOT_FOUND", { id: previousId }, { param: "previous_response_id" });
  }
  return new ResponsesDialogue({
    request,
    previous: previousId === undefined ? undefined : responses.get(keyName, previousId),
    itemOf: (id) => responses.item(keyName, id),
    // A client may repeat its trace id; the span's makes the response's id its own.
    idSeed: `${record.traceId.slice(0, 16)}${record.spanId}`,
    finished: (kept) => responses.put(keyName, stringAt(kept.response, "id") ?? "", kept),
  });
}

function stored({ responses }: Gateway, request: FastifyRequest<{ Params: { id: string } }>): StoredResponse {
  const { id } = request.params;
  const found = responses.get(keyNameOf(request), id);
  if (found === undefined) throw new GatewayError("RESPONSE_NOT_FOUND", { id });
  return found;
}

function keyNameOf(request: Pick<FastifyRequest, "record">): string {
  return request.record!.client!.keyName;
}
