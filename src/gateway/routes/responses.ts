import type { FastifyInstance, FastifyRequest } from "fastify";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { type JsonObject, stringAt } from "../json.ts";
import type { RequestRecord } from "../request-record.ts";
import { ResponsesDialogue } from "../responses/dialogue.ts";
import type { StoredResponse } from "../responses/store.ts";
import { type InferenceRoute, serveInference } from "./inference.ts";
import { validateResponses } from "./validate-plain.ts";

/** `POST /v1/responses`, `GET` and `DELETE /v1/responses/{id}` (OpenAI API reference, "Responses"). */
export function registerResponses(app: FastifyInstance, gateway: Gateway): void {
  const route: InferenceRoute = {
    validate: validateResponses,
    begin: (body, record) => beginResponse(gateway, body, record),
  };
  app.post("/v1/responses", (request, reply) => serveInference(gateway, route, request, reply));
  app.get<{ Params: { id: string } }>("/v1/responses/:id", async (request) => stored(gateway, request).response);
  app.delete<{ Params: { id: string } }>("/v1/responses/:id", async (request) => {
    const { id } = request.params;
    if (!gateway.responses.delete(keyNameOf(request), id)) throw new GatewayError("RESPONSE_NOT_FOUND", { id });
    return { id, object: "response", deleted: true };
  });
}

function beginResponse({ responses }: Gateway, request: JsonObject, record: RequestRecord): ResponsesDialogue {
  const { keyName } = record.client!;
  const previous = stringAt(request, "previous_response_id");
  const before = previous === undefined ? undefined : responses.get(keyName, previous);
  if (previous !== undefined && before === undefined) {
    throw new GatewayError("PREVIOUS_RESPONSE_NOT_FOUND", { id: previous }, { param: "previous_response_id" });
  }
  return new ResponsesDialogue({
    request,
    history: before?.messages ?? [],
    // A client may repeat its trace id; the span's makes the response's id its own.
    idSeed: `${record.traceId.slice(0, 16)}${record.spanId}`,
    finished: (response, messages) => responses.put(keyName, response["id"] as string, { response, messages }),
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
