import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { HttpError } from "../../runtime/http-error.ts";
import { ByteWriter } from "../../storage/varint.ts";
import { encodeTrace, findTrace, type ResourceGroup } from "../query/trace-by-id.ts";
import { writeField } from "../store/envelope.ts";
import { resourceSpansJson } from "./otlp-json-encode.ts";
import type { ApiContext } from "./server.ts";

const TRACE_ID_DIGITS = 32;
const PROTOBUF = "application/protobuf";
/** Field 1 of TraceByIDResponse: the trace. */
const RESPONSE_TRACE_TAG = 0x0a;

/** Trace by id, in both of Tempo's shapes. */
export function addTraceRoutes(app: FastifyInstance, api: ApiContext): void {
  app.get<{ Params: { id: string } }>("/api/traces/:id", async (request, reply) => {
    const groups = await lookUp(request, api);
    if (wantsProtobuf(request)) return sendProtobuf(reply, encodeTrace(groups));
    return reply.send({ batches: resourceSpansJson(groups) });
  });
  app.get<{ Params: { id: string } }>("/api/v2/traces/:id", async (request, reply) => {
    const groups = await lookUp(request, api);
    if (wantsProtobuf(request)) {
      const writer = new ByteWriter(4096);
      writeField(writer, RESPONSE_TRACE_TAG, encodeTrace(groups));
      return sendProtobuf(reply, writer.copy());
    }
    return reply.send({ trace: { resourceSpans: resourceSpansJson(groups) }, metrics: {} });
  });
}

async function lookUp(request: FastifyRequest<{ Params: { id: string } }>, api: ApiContext): Promise<ResourceGroup[]> {
  const id = parseTraceId(request.params.id);
  const end = api.metrics.querySeconds.startTimer({ op: "traces" });
  const groups = await findTrace(api.store, id);
  end();
  if (groups === undefined) throw new HttpError(404, "trace not found");
  return groups;
}

/** Up to 32 hex digits; shorter ids have zeros in front. @throws HttpError 400 */
function parseTraceId(text: string): Uint8Array {
  const position = text.search(/[^0-9a-fA-F]/);
  if (position !== -1) {
    const character = String.fromCodePoint(text.codePointAt(position)!);
    throw new HttpError(
      400,
      `trace IDs can only contain hex characters: invalid character '${character}' at position ${position + 1}`,
    );
  }
  if (text.length > TRACE_ID_DIGITS) throw new HttpError(400, "trace IDs can't be larger than 128 bits");
  return Buffer.from(text.padStart(TRACE_ID_DIGITS, "0"), "hex");
}

function wantsProtobuf(request: FastifyRequest): boolean {
  return (request.headers.accept ?? "").includes(PROTOBUF);
}

function sendProtobuf(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  return reply.type(PROTOBUF).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
