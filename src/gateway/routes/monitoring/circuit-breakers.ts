import * as z from "zod";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { moment, name } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import type { Breaker } from "../../routing/breaker.ts";

/** State of one provider's breaker (contract section 4). */
export const breakerView = (): z.ZodObject<{
  provider: z.ZodString;
  state: z.ZodEnum<{ closed: "closed"; open: "open"; half_open: "half_open" }>;
  failure_count: z.ZodNumber;
  success_count: z.ZodNumber;
  failure_rate: z.ZodNumber;
  recent_requests: z.ZodNumber;
  opened_at: z.ZodNullable<z.ZodString>;
  seconds_until_retry: z.ZodNumber;
}> =>
  z.object({
    provider: z.string(),
    state: z.enum(["closed", "open", "half_open"]),
    failure_count: z.number().describe("Consecutive failures while closed, failures while half open"),
    success_count: z.number(),
    failure_rate: z.number().describe("0 to 1, over the breaker's window"),
    recent_requests: z.number(),
    opened_at: moment().nullable(),
    seconds_until_retry: z.number(),
  });

const params = () => z.object({ provider: name("Name of a configured provider") });

/** State views and resets of the provider breakers (contract section 4). */
export const circuitBreakerRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/circuit-breakers",
    auth: "client",
    tag: "Monitoring",
    summary: "State of every provider's breaker",
    schemas: () => ({
      reply: z.object({ circuit_breakers: z.array(breakerView()), total: z.number(), timestamp: moment() }),
    }),
  }).handle(({ gateway }) => {
    const circuit_breakers = gateway.breakers.views();
    return { circuit_breakers, total: circuit_breakers.length, timestamp: new Date().toISOString() };
  }),
  defineRoute({
    method: "GET",
    path: "/circuit-breakers/{provider}",
    auth: "client",
    tag: "Monitoring",
    summary: "State of one provider's breaker",
    schemas: () => ({ params: params(), reply: breakerView() }),
  }).handle(({ gateway, params: { provider } }) => find(gateway, provider).view()),
  defineRoute({
    method: "POST",
    path: "/circuit-breakers/{provider}/reset",
    auth: "admin",
    tag: "Monitoring",
    summary: "Close one provider's breaker by hand",
    schemas: () => ({
      params: params(),
      reply: z.object({ status: z.literal("success"), message: z.string(), circuit_breaker: breakerView() }),
    }),
  }).handle(({ gateway, params: { provider } }) => {
    const breaker = find(gateway, provider);
    breaker.reset();
    return {
      status: "success",
      message: `Circuit breaker of ${provider} reset`,
      circuit_breaker: breaker.view(),
    };
  }),
  defineRoute({
    method: "POST",
    path: "/circuit-breakers/reset-all",
    auth: "admin",
    tag: "Monitoring",
    summary: "Close every breaker by hand, those of single models too",
    schemas: () => ({
      reply: z.object({
        status: z.literal("success"),
        message: z.string(),
        circuit_breakers: z.array(breakerView()),
      }),
    }),
  }).handle(({ gateway: { breakers, routing } }) => {
    routing.resetBreakers();
    return { status: "success", message: "All circuit breakers reset", circuit_breakers: breakers.views() };
  }),
];

function find({ breakers }: Gateway, provider: string): Breaker {
  const breaker = breakers.of(provider);
  if (breaker === undefined) throw new GatewayError("PROVIDER_NOT_FOUND", { provider });
  return breaker;
}
