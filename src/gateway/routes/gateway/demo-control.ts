import * as z from "zod";
import type { Gateway } from "../../gateway.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";

const schemas = () => ({
  reply: z.object({ available: z.boolean(), running: z.boolean(), requests_per_second: z.number() }),
});

/** Switches the demo traffic on and off, for the UI. In live mode there is none, and it cannot be started. */
export const demoRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/demo",
    auth: "admin",
    tag: "Gateway",
    summary: "State of the demo traffic",
    schemas,
  }).handle(({ gateway }) => state(gateway)),
  defineRoute({
    method: "POST",
    path: "/demo/start",
    auth: "admin",
    tag: "Gateway",
    summary: "Start the demo traffic; 409 in live mode, which has none",
    schemas,
  }).handle(({ gateway, reply }) => {
    gateway.demo()?.start();
    if (gateway.demo() === undefined) reply.code(409);
    return state(gateway);
  }),
  defineRoute({
    method: "POST",
    path: "/demo/stop",
    auth: "admin",
    tag: "Gateway",
    summary: "Stop the demo traffic",
    schemas,
  }).handle(({ gateway }) => {
    gateway.demo()?.stop();
    return state(gateway);
  }),
];

function state(gateway: Gateway): { available: boolean; running: boolean; requests_per_second: number } {
  return {
    available: gateway.demo() !== undefined,
    running: gateway.demo()?.running() ?? false,
    requests_per_second: gateway.context.config.demo.requestsPerSecond,
  };
}
