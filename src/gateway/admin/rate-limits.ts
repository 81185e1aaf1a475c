import * as z from "zod";
import { keyLimits, limits } from "../../config/access.ts";
import type { Gateway } from "../gateway.ts";
import { limitsPatch } from "../live-config/runtime-settings.ts";
import { moment } from "../openapi/fields.ts";
import { defineRoute, type Route } from "../openapi/route.ts";
import { stored } from "./stored.ts";

const tag = "Administration";

const limitsView = () =>
  z.object({
    defaults: limits.describe("What holds for every key that has no limits of its own"),
    overrides: limitsPatch.describe("Set here; the rest is the file's"),
    ipRequestsPerMinute: z.number(),
    keys: z
      .array(z.object({ id: z.string(), name: z.string(), limits: keyLimits }))
      .describe("Keys with limits of their own"),
    velocityMode: z.object({ active: z.boolean(), until: moment().nullable() }),
  });

/** `/admin/rate-limits`: the defaults of all keys. Those of one key are changed with `PATCH /admin/keys/{id}`. */
export const adminRateLimitRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/admin/rate-limits",
    auth: "admin",
    tag,
    summary: "The limits in force",
    schemas: () => ({ reply: limitsView() }),
  }).handle(({ gateway }) => viewOf(gateway)),
  defineRoute({
    method: "PATCH",
    path: "/admin/rate-limits",
    auth: "admin",
    tag,
    summary: "Change the default limits; hold from the next request on, and go before the file's",
    schemas: () => ({ body: limitsPatch, reply: limitsView() }),
  }).handle(async ({ gateway, body }) => {
    await stored(() => gateway.settings.putLimits({ ...gateway.live.overlay.limits, ...body }));
    return viewOf(gateway);
  }),
  defineRoute({
    method: "DELETE",
    path: "/admin/rate-limits",
    auth: "admin",
    tag,
    summary: "Go back to the file's limits",
    schemas: () => ({ reply: limitsView() }),
  }).handle(async ({ gateway }) => {
    await stored(() => gateway.settings.deleteLimits());
    return viewOf(gateway);
  }),
];

function viewOf(gateway: Gateway) {
  const { gateway: config } = gateway.context.config;
  const { untilMs } = gateway.velocity;
  const keys = [...gateway.keys.identities()].flatMap(({ keyId, keyName, limits: own }) =>
    own === undefined || Object.keys(own).length === 0 ? [] : [{ id: keyId ?? keyName, name: keyName, limits: own }],
  );
  return {
    defaults: config.limits,
    overrides: gateway.live.overlay.limits,
    ipRequestsPerMinute: config.ipRequestsPerMinute,
    keys,
    velocityMode: {
      active: untilMs !== undefined,
      until: untilMs === undefined ? null : new Date(untilMs).toISOString(),
    },
  };
}
