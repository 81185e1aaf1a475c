import type * as z from "zod";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { defineRoute, type Method, type Route, type RouteAuth, type RouteSchemas } from "../openapi/route.ts";

interface ProxiedRoute {
  readonly method?: Method;
  /** As the gateway has it; the health service has the same path unless `upstream` says otherwise. */
  readonly path: string;
  /** Its path at the health service, perhaps with a query, and with the same parameters in braces. */
  readonly upstream?: string;
  readonly auth: RouteAuth;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly status?: 201;
  schemas(): RouteSchemas & { readonly reply: z.ZodType };
  /** What can honestly be said without the health service; absent: HEALTH_SERVICE_UNAVAILABLE. */
  away?(gateway: Gateway, reason: string, params: Readonly<Record<string, string>>): object;
}

/** Sent when an answer is older than it should be because the health service is silent. */
const STALE_HEADER = "x-gatewayz-stale-seconds";
/** A stand-in is no measurement; readers of JSON see it in `health_service`, readers of headers here. */
const AWAY_HEADER = "x-gatewayz-health-service";

/** A route that the health service answers, through the gateway. */
export function proxied(route: ProxiedRoute): Route {
  const { method = "GET", path, upstream = path } = route;
  return defineRoute({ ...route, method }).handle(async ({ gateway, request, reply, params, body }) => {
    const named = (params ?? {}) as Record<string, string>;
    const filled = upstream.replaceAll(/\{(\w+)\*?\}/g, (_, name: string) => encodeURIComponent(named[name] ?? ""));
    const target = withQuery(filled, request.url);
    try {
      if (method === "GET") {
        const { body: answer, ageMs } = await gateway.healthService.get(target);
        if (ageMs > 5_000) reply.header(STALE_HEADER, String(Math.round(ageMs / 1_000)));
        return answer;
      }
      return await gateway.healthService.send(method as "POST" | "PUT" | "DELETE", target, body);
    } catch (error) {
      const isAway = error instanceof GatewayError && error.code === "HEALTH_SERVICE_UNAVAILABLE";
      if (!isAway || route.away === undefined) throw error;
      reply.header(AWAY_HEADER, "unavailable");
      return {
        ...route.away(gateway, error.message, named),
        health_service: "unavailable",
        timestamp: new Date().toISOString(),
      };
    }
  });
}

/** The client's query, behind one that the path has already. */
function withQuery(path: string, url: string): string {
  const start = url.indexOf("?");
  if (start < 0 || start === url.length - 1) return path;
  return `${path}${path.includes("?") ? "&" : "?"}${url.slice(start + 1)}`;
}
