import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { type OpenApiDocument, openApiDocument } from "./document.ts";
import { fastifyPath, type Method, type Route, type RouteDescription } from "./route.ts";

/** What stands in the document for a route that nobody described; a test sees to it that there is none. */
export const UNDESCRIBED = "Not described";

/** Every route of one server with its description, in the order of registration. */
export class RouteRegistry {
  readonly #descriptions: RouteDescription[] = [];
  readonly #registered: { method: Method; url: string }[] = [];
  readonly #app: FastifyInstance;
  readonly #gateway: Gateway;
  #text: string | undefined;

  /** Made before the first route, so that it hears of all of them. */
  constructor(app: FastifyInstance, gateway: Gateway) {
    this.#app = app;
    this.#gateway = gateway;
    app.addHook("onRoute", ({ method, url }) => {
      for (const one of Array.isArray(method) ? method : [method]) {
        // Fastify answers HEAD wherever it answers GET; the document need not say so.
        if (one !== "HEAD" && one !== "OPTIONS") this.#registered.push({ method: one as Method, url });
      }
    });
  }

  /** Registers routes that were made with `defineRoute`. */
  add(routes: readonly Route[]): void {
    for (const route of routes) route.register(this.#app, this.#gateway);
    this.describe(routes);
  }

  /** Describes routes that register themselves (inference, which writes to the socket). */
  describe(descriptions: readonly RouteDescription[]): void {
    this.#descriptions.push(...descriptions);
  }

  /** In the order of the descriptions, which is the order to read them in. */
  document(): OpenApiDocument {
    const keyOf = (method: string, url: string): string => `${method} ${url}`;
    const registered = new Map(this.#registered.map(({ method, url }) => [keyOf(method, url), { method, url }]));
    const routes: RouteDescription[] = [];
    for (const route of this.#descriptions) {
      if (registered.delete(keyOf(route.method, fastifyPath(route.path)))) routes.push(route);
    }
    for (const { method, url } of registered.values()) routes.push(undescribed(method, url));
    return openApiDocument(routes);
  }

  /** The document as JSON text; made once, when it is first asked for. */
  text(): string {
    this.#text ??= JSON.stringify(this.document());
    return this.#text;
  }
}

function undescribed(method: Method, url: string): RouteDescription {
  const path = url.replaceAll(/:(\w+)/g, "{$1}").replace(/\*$/, "{rest*}");
  return { method, path, auth: "client", tag: "Gateway", summary: UNDESCRIBED, schemas: () => ({}) };
}
