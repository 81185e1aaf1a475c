import * as z from "zod";
import type { Gateway } from "../../gateway.ts";
import { moment } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import { GATEWAY_VERSION } from "../../version.ts";
import { databaseState } from "../health/database-state.ts";

/** Where a person or a program goes on from `/`. */
const ENDPOINTS = [
  "/v1/chat/completions",
  "/v1/messages",
  "/v1/responses",
  "/v1/embeddings",
  "/v1/completions",
  "/v1/moderations",
  "/v1/rerank",
  "/v1/images/generations",
  "/v1/audio/transcriptions",
  "/v1/audio/speech",
  "/v1/models",
  "/docs",
  "/openapi.json",
  "/health",
  "/metrics",
  "/circuit-breakers",
];

/** Liveness and readiness, without a key. `/health` always answers 200 (contract 3d). */
export const livenessRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/",
    auth: "open",
    tag: "Gateway",
    summary: "Name, version and where to go on",
    schemas: () => ({
      reply: z.object({
        name: z.literal("GatewayZ"),
        version: z.string(),
        status: z.literal("running"),
        mode: z.enum(["demo", "live"]),
        endpoints: z.array(z.string()),
      }),
    }),
  }).handle(({ gateway }) => ({
    name: "GatewayZ",
    version: GATEWAY_VERSION,
    status: "running",
    mode: gateway.context.config.mode,
    endpoints: ENDPOINTS,
  })),
  defineRoute({
    method: "GET",
    path: "/health",
    auth: "open",
    tag: "Health",
    summary: "Liveness; always 200 while the process answers",
    schemas: () => ({
      reply: z.object({
        status: z.enum(["healthy", "shutting_down"]),
        timestamp: moment(),
        version: z.string(),
        database: z.enum(["connected", "not_initialized", "unavailable"]),
        mode: z.enum(["demo", "live", "degraded"]),
        database_error: z.string().optional(),
        providers: z.number(),
      }),
    }),
  }).handle(({ gateway }) => {
    const database = databaseState(gateway);
    return {
      status: status(gateway),
      timestamp: new Date().toISOString(),
      version: GATEWAY_VERSION,
      database,
      ...(database === "unavailable"
        ? { mode: "degraded", database_error: "the database cannot be reached; GET /health/database has the reason" }
        : { mode: gateway.context.config.mode }),
      providers: gateway.providers.size,
    };
  }),
  defineRoute({
    method: "GET",
    path: "/health/quick",
    auth: "open",
    tag: "Health",
    summary: "Liveness in two fields",
    schemas: () => ({ reply: z.object({ status: z.enum(["healthy", "shutting_down"]), timestamp: moment() }) }),
  }).handle(({ gateway }) => ({ status: status(gateway), timestamp: new Date().toISOString() })),
  defineRoute({
    method: "GET",
    path: "/ready",
    auth: "open",
    tag: "Health",
    summary: "Readiness: 200, or 503 while shutting down",
    schemas: () => ({ reply: z.object({ status: z.enum(["ready", "shutting_down"]) }) }),
  }).handle(({ gateway, reply }) => {
    if (gateway.inFlight.draining) reply.code(503);
    return { status: gateway.inFlight.draining ? "shutting_down" : "ready" };
  }),
];

function status(gateway: Gateway): "healthy" | "shutting_down" {
  return gateway.inFlight.draining ? "shutting_down" : "healthy";
}
