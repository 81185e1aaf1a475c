import { isUtf8 } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { decodeBody, parseJson } from "../../runtime/body.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { isObject, type JsonObject } from "../json.ts";

/** The body of a request as a JSON object. @throws GatewayError INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, REQUEST_TOO_LARGE. */
export async function readJsonBody(gateway: Gateway, request: FastifyRequest): Promise<JsonObject> {
  const { bodyBytesMax } = gateway.context.config.gateway;
  try {
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (request.record) request.record.requestBodyBytes = raw.length;
    const encoding = request.headers["content-encoding"];
    const plain = encoding === undefined && raw.length <= bodyBytesMax;
    const bytes = plain ? raw : await decodeBody(encoding, raw, bodyBytesMax);
    if (!isUtf8(bytes)) throw new GatewayError("INVALID_JSON", { reason: "it is not UTF-8" });
    const body = parseJson(bytes.toString("utf8"));
    if (!isObject(body)) throw new GatewayError("INVALID_JSON", { reason: "it must be a JSON object" });
    return body;
  } catch (error) {
    throw toGatewayError(error, bodyBytesMax);
  }
}
