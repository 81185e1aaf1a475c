import type { FastifyInstance, FastifyRequest } from "fastify";
import { discardBody } from "../runtime/discard-body.ts";
import { createHttpServer } from "../runtime/http-server.ts";
import { clientAddress } from "./access/client-address.ts";
import { requireAdmin } from "./access/keys.ts";
import { GatewayError, toGatewayError } from "./errors.ts";
import type { Gateway } from "./gateway.ts";
import { observeGateway } from "./gateway-facts.ts";
import { registerDefinedRoutes } from "./openapi/register.ts";
import { registerAudio } from "./routes/audio.ts";
import { registerChatCompletions } from "./routes/chat-completions.ts";
import { registerImages } from "./routes/images.ts";
import { registerMessages } from "./routes/messages.ts";
import { registerPlain } from "./routes/plain.ts";
import { beginRequest, dialectOf, errorReply } from "./routes/request-state.ts";
import { registerResponses } from "./routes/responses.ts";
import { BrowserGuard } from "./safety/browser-guard.ts";
import { refuseTwoHosts } from "./safety/two-hosts.ts";
import type { ColdProxy } from "./workers/cold-proxy.ts";
import { isHot } from "./workers/hot-routes.ts";

/**
 * The gateway's HTTP server: ids and record first, then the key, then the body; a body is never read, let alone
 * decompressed, for a caller without a key.
 * @param cold Of a worker: where everything goes that is not its own.
 */
export function createGatewayServer(gateway: Gateway, cold?: ColdProxy): FastifyInstance {
  const { bodyBytesMax, safety, timeouts } = gateway.context.config.gateway;
  const { uploadBytesMax } = safety;
  const browsers = new BrowserGuard(gateway.context.config);
  const app = createHttpServer(gateway.context, {
    auth: "none",
    metricsRoute: false,
    bodyBytesMax,
    headersTimeoutMs: timeouts.clientHeaders,
    requestTimeoutMs: timeouts.clientRequest,
    onError: (error, status, request, reply) => {
      const gatewayError = toGatewayError(
        status >= 500 && !(error instanceof GatewayError) ? undefined : error,
        bodyBytesMax,
      );
      request.gatewayError = gatewayError;
      const requestId = request.record?.requestId ?? request.id;
      const { status: code, headers, body } = errorReply(gatewayError, dialectOf(request), requestId);
      return reply.code(code).headers(headers).send(body);
    },
  });
  app.decorateRequest("record", undefined);
  app.decorateRequest("gatewayError", undefined);
  app.decorateRequest("exchange", undefined);
  app.addHook("onRequest", async (request, reply) => {
    if (cold !== undefined && !isHot(request.method, request.url)) {
      await cold.pass(request.raw, reply, clientAddress(request.raw));
      return;
    }
    beginRequest(request, reply, gateway.telemetry);
    refuseTwoHosts(request, reply);
    if (browsers.check(request, reply)) return reply;
    authenticate(gateway, request);
    const { upload } = request.routeOptions.config;
    if (Number(request.headers["content-length"]) > (upload ? uploadBytesMax : bodyBytesMax)) {
      await discardBody(request.raw);
      if (upload) throw new GatewayError("UPLOAD_TOO_LARGE", { bytesMax: uploadBytesMax });
      throw new GatewayError("REQUEST_TOO_LARGE", { bodyBytesMax });
    }
  });
  app.setNotFoundHandler((request) => {
    throw new GatewayError("ROUTE_NOT_FOUND", {
      method: request.method,
      path: request.url.split("?", 1)[0]!.slice(0, 200),
    });
  });
  observeGateway(gateway, app.server, cold !== undefined);
  if (cold === undefined) registerDefinedRoutes(app, gateway); // A worker passes these on.
  registerChatCompletions(app, gateway);
  registerMessages(app, gateway);
  registerResponses(app, gateway);
  registerPlain(app, gateway);
  registerImages(app, gateway);
  registerAudio(app, gateway);
  return app;
}

function authenticate(gateway: Gateway, request: FastifyRequest): void {
  const { url: route, config } = request.routeOptions;
  if (route === undefined || config.auth === "open") return;
  const start = performance.now();
  const record = request.record!;
  try {
    record.client = gateway.keys.identify(request.headers);
  } catch (error) {
    gateway.ipLimits.take(clientAddress(request.raw)); // Guessing keys counts too.
    throw error;
  }
  if (!record.client.unlimited) gateway.ipLimits.take(clientAddress(request.raw));
  record.stages.auth_validation = performance.now() - start;
  if (config.auth === "admin") requireAdmin(record.client, `${request.method} ${route}`);
}
