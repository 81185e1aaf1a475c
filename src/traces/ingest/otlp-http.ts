import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { decodeBody, parseJson } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { createHttpServer } from "../../runtime/http-server.ts";
import type { RoleContext } from "../../runtime/role.ts";
import { HTTP_REQUEST_BYTES_MAX } from "../limits.ts";
import { OtlpJsonError, otlpJsonToProtobuf } from "./otlp-json.ts";
import { MalformedRequestError, RETRY_AFTER_SECONDS, type Receiver, StoreUnavailableError } from "./receiver.ts";
import { encodeExportResponse, encodeStatus, exportResponseJson, RpcCode } from "./rpc-status.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

/** OTLP/HTTP: `POST /v1/traces`. Source: opentelemetry.io/docs/specs/otlp. */
export function createOtlpHttpServer(context: RoleContext, receiver: Receiver): FastifyInstance {
  const app = createHttpServer(context, {
    bodyBytesMax: HTTP_REQUEST_BYTES_MAX,
    auth: "engine",
    metricsRoute: false,
    onError: (error, status, request, reply) => sendStatus(request, reply, status, error.message),
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type("text/plain; charset=utf-8").send("404 page not found\n"),
  );
  app.post("/v1/traces", async (request, reply) => {
    const protobuf = await requestBody(request);
    const outcome = await accept(receiver, protobuf);
    if (contentType(request) === JSON_TYPE) return reply.type(JSON_TYPE).send(exportResponseJson(outcome));
    return reply.type(PROTOBUF).send(Buffer.from(encodeExportResponse(outcome)));
  });
  app.route({
    method: ["GET", "PUT", "DELETE", "PATCH"],
    url: "/v1/traces",
    handler: (_request, reply) => {
      return reply
        .code(405)
        .header("allow", "POST")
        .type("text/plain")
        .send("405 method not allowed, supported: [POST]");
    },
  });
  return app;
}

async function requestBody(request: FastifyRequest): Promise<Uint8Array> {
  const type = contentType(request);
  if (type !== PROTOBUF && type !== JSON_TYPE) {
    throw new HttpError(415, `unsupported media type, supported: [${JSON_TYPE}, ${PROTOBUF}]`);
  }
  const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const body = await decodeBody(request.headers["content-encoding"], raw, HTTP_REQUEST_BYTES_MAX);
  if (type === PROTOBUF) return body;
  try {
    return otlpJsonToProtobuf(parseJson(body.toString("utf8")));
  } catch (error) {
    if (error instanceof OtlpJsonError) throw new HttpError(400, `malformed OTLP request: ${error.message}`);
    throw error;
  }
}

async function accept(receiver: Receiver, request: Uint8Array) {
  try {
    return await receiver.accept(request, "http");
  } catch (error) {
    if (error instanceof MalformedRequestError) throw new HttpError(400, error.message);
    if (error instanceof StoreUnavailableError) throw new HttpError(503, error.message, RETRY_AFTER_SECONDS);
    throw error;
  }
}

function contentType(request: FastifyRequest): string {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
  return type === "application/protobuf" ? PROTOBUF : type;
}

/** Errors are google.rpc.Status in the format of the request. */
function sendStatus(request: FastifyRequest, reply: FastifyReply, status: number, message: string): unknown {
  const code = rpcCode(status);
  if (contentType(request) === PROTOBUF) return reply.type(PROTOBUF).send(Buffer.from(encodeStatus(code, message)));
  return reply.type(JSON_TYPE).send({ code, message });
}

function rpcCode(status: number): number {
  if (status === 401) return RpcCode.Unauthenticated;
  if (status === 413 || status === 429) return RpcCode.ResourceExhausted;
  if (status === 503) return RpcCode.Unavailable;
  return status < 500 ? RpcCode.InvalidArgument : RpcCode.Internal;
}
