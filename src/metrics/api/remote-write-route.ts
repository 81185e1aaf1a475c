import type { FastifyInstance } from "fastify";
import { HttpError } from "../../runtime/http-error.ts";
import type { RemoteWriteReceiver } from "../ingest/remote-write.ts";
import { REMOTE_WRITE_BODY_BYTES_MAX } from "../limits.ts";
import type { ServerState } from "../server-state.ts";

/** `POST /api/v1/write`: 204, or a plain text that says why not. */
export function addRemoteWriteRoute(app: FastifyInstance, state: ServerState): void {
  app.post("/api/v1/write", { bodyLimit: REMOTE_WRITE_BODY_BYTES_MAX }, async (request, reply) => {
    const receiver: RemoteWriteReceiver | undefined = state.running?.receiver;
    if (receiver === undefined) return reply.code(503).type("text/plain; charset=utf-8").send("Service Unavailable");
    try {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      await receiver.write(body, {
        contentType: request.headers["content-type"],
        contentEncoding: request.headers["content-encoding"],
      });
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      // Writers log this text as it is; Prometheus sends it plain.
      if (error.retryAfterSeconds !== undefined) reply.header("retry-after", String(error.retryAfterSeconds));
      return reply.code(error.status).type("text/plain; charset=utf-8").send(`${error.message}\n`);
    }
    return reply.code(204).send();
  });
}
