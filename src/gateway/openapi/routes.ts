import { apiPage, PAGE_POLICY } from "./page.ts";
import type { RouteRegistry } from "./registry.ts";
import { defineRoute, type Route } from "./route.ts";

/** `GET /openapi.json` and the page `GET /docs`; open, as they tell what the code tells. */
export function openApiRoutes(registry: RouteRegistry): Route[] {
  let page: string | undefined;
  return [
    defineRoute({
      method: "GET",
      path: "/openapi.json",
      auth: "open",
      tag: "Gateway",
      summary: "This API as an OpenAPI 3.1 document",
      schemas: () => ({}),
    }).handle(({ reply }) => {
      reply.header("content-type", "application/json; charset=utf-8");
      return registry.text();
    }),
    defineRoute({
      method: "GET",
      path: "/docs",
      auth: "open",
      tag: "Gateway",
      summary: "This API as a page to read",
      replyType: "text/html",
      schemas: () => ({}),
    }).handle(({ reply }) => {
      reply.header("content-type", "text/html; charset=utf-8");
      reply.header("content-security-policy", PAGE_POLICY);
      page ??= apiPage(registry.document());
      return page;
    }),
  ];
}
