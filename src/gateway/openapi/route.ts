import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { ClientIdentity } from "../request-record.ts";
import { readJsonBody } from "../routes/json-body.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whose key opens the route; `client` (any valid key) where a route does not say. */
    auth?: RouteAuth;
  }
}

/** `open` needs no key, `client` any valid key, `admin` the admin key. */
export type RouteAuth = "open" | "client" | "admin";
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What goes in and comes out. A route without `reply` writes text of its own (`replyType`). */
export interface RouteSchemas {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly reply?: z.ZodType;
}

/** What the document says of a route, whoever registers it. */
export interface RouteDescription {
  readonly method: Method;
  /** OpenAPI's form, `/v1/models/{id}`. A last parameter written `{id*}` takes the rest of the path, slashes included. */
  readonly path: string;
  readonly auth: RouteAuth;
  /** The chapter of the page. */
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Of a success; 200 without it. */
  readonly status?: 201;
  /** Content type of a reply that is no JSON. */
  readonly replyType?: string;
  /** Made when the first request, or the document, needs them: zod takes about 15 µs per field, and a start has no time. */
  schemas(): RouteSchemas;
}

/** One call of a route, its input checked. */
export interface RouteCall<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly gateway: Gateway;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  /** Who calls. @throws on `open` routes, which know nobody. */
  readonly client: ClientIdentity;
}

interface RouteDefinition<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>
  extends RouteDescription {
  schemas(): { readonly params?: P; readonly query?: Q; readonly body?: B; readonly reply?: R };
}

/** A definition that waits for its handler: in a step of its own, the compiler holds the reply against its schema. */
interface DefinedRoute<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, R extends z.ZodType> {
  /** A text is sent as it is; the handler sets its content type. */
  handle(handler: (call: RouteCall<P, Q, B>) => z.input<R> | string | Promise<z.input<R> | string>): Route;
}

/** A route whose registration, validation and documentation come from one definition. */
export interface Route extends RouteDescription {
  register(app: FastifyInstance, gateway: Gateway): void;
}

/** Makes a route of its definition. */
export function defineRoute<
  R extends z.ZodType = z.ZodUnknown,
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodUnknown,
>(definition: RouteDefinition<P, Q, B, R>): DefinedRoute<P, Q, B, R> {
  let made: RouteSchemas | undefined;
  const schemas = (): RouteSchemas => (made ??= definition.schemas());
  return {
    handle: (handler) => ({
      ...definition,
      schemas,
      register(app, gateway) {
        app.route({
          method: definition.method,
          url: fastifyPath(definition.path),
          config: { auth: definition.auth },
          // Each route costs a start a quarter of a millisecond, and HEAD is another; only probes of liveness send it.
          exposeHeadRoute: definition.auth === "open",
          handler: async (request, reply) => {
            if (definition.status !== undefined) reply.code(definition.status);
            return handler((await readCall(definition.path, schemas(), gateway, request, reply)) as RouteCall<P, Q, B>);
          },
        });
      },
    }),
  };
}

/** @throws GatewayError INVALID_REQUEST, INVALID_JSON. */
async function readCall(
  path: string,
  { params, query, body }: RouteSchemas,
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<object> {
  return {
    gateway,
    request,
    reply,
    params: check("path parameter", params, namedParams(path, request.params)),
    query: check("query parameter", query, request.query),
    body: body === undefined ? undefined : check("field", body, await bodyOf(gateway, request)),
    get client(): ClientIdentity {
      const client = request.record?.client;
      if (client === undefined) throw new Error(`BUG: ${path} is open and knows no client`);
      return client;
    },
  };
}

/** No body is an empty object: where every field may be left out, so may the body. */
async function bodyOf(gateway: Gateway, request: FastifyRequest): Promise<unknown> {
  const sent = Buffer.isBuffer(request.body) && request.body.length > 0;
  return sent ? readJsonBody(gateway, request) : {};
}

/** `/a/{b}/{c*}` as fastify has it: `/a/:b/*`. */
export function fastifyPath(path: string): string {
  return path.replace(/\{(\w+)\*\}$/, "*").replaceAll(/\{(\w+)\}/g, ":$1");
}

/** Fastify calls the rest of a path `*`; the definition has a name for it. */
function namedParams(path: string, params: unknown): unknown {
  const rest = /\{(\w+)\*\}$/.exec(path)?.[1];
  if (rest === undefined) return params;
  const { "*": value, ...named } = params as Record<string, string>;
  return { ...named, [rest]: value };
}

/** @throws GatewayError INVALID_REQUEST that names the first thing that is wrong. */
function check(what: string, schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const param = [...issue.path, ...(unknown === undefined ? [] : [unknown])].map(String).join(".");
  const reason = unknown === undefined ? lowerFirst(issue.message) : "there is no such field here";
  throw new GatewayError(
    "INVALID_REQUEST",
    {
      reason: param === "" ? `The request is not valid: ${reason}.` : `The ${what} "${param}" is not valid: ${reason}.`,
    },
    { param: param === "" ? undefined : param },
  );
}

function lowerFirst(text: string): string {
  const sentence = text.replace(/\.$/, "");
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
