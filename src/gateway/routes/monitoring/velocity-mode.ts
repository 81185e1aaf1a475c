import * as z from "zod";
import { moment } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";

/** `GET /velocity-mode-status` (contract 6c). */
export const velocityModeRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/velocity-mode-status",
    auth: "client",
    tag: "Monitoring",
    summary: "Whether limits are lowered because too many requests fail, and until when",
    schemas: () => ({
      reply: z.object({
        active: z.boolean(),
        until: moment().nullable(),
        seconds_remaining: z.number(),
        multiplier: z.number().describe("What remains of a basic key's limits, 0 to 1"),
        multipliers: z.record(z.string(), z.number()).describe("What remains of a key's limits while active, by tier"),
        error_rate: z.number().describe("0 to 1, over the window; counting starts anew when the mode ends"),
        requests: z.number().describe("Finished requests in the window"),
        errors: z.number(),
        triggers: z.object({ error_rate: z.number(), requests: z.number(), window_seconds: z.number() }),
        timestamp: moment(),
      }),
    }),
  }).handle(({ gateway: { velocity } }) => {
    const { untilMs, settings } = velocity;
    const { requests, errors, errorRate } = velocity.view();
    return {
      active: untilMs !== undefined,
      until: untilMs === undefined ? null : new Date(untilMs).toISOString(),
      seconds_remaining: untilMs === undefined ? 0 : Math.max(0, Math.ceil((untilMs - Date.now()) / 1_000)),
      multiplier: velocity.multiplier("basic"),
      multipliers: settings.multipliers,
      error_rate: errorRate,
      requests,
      errors,
      triggers: {
        error_rate: settings.errorRate,
        requests: settings.requestsMin,
        window_seconds: settings.window / 1_000,
      },
      timestamp: new Date().toISOString(),
    };
  }),
];
