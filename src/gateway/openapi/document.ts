import * as z from "zod";
import { gatewayErrors } from "../error-catalogue.ts";
import { GATEWAY_VERSION } from "../version.ts";
import type { RouteDescription, RouteSchemas } from "./route.ts";

type Json = Record<string, unknown>;

/** An OpenAPI 3.1 document, as far as it is read here. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: Json;
  readonly servers: readonly Json[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly security: readonly Json[];
  /** Path → method in lower case → operation. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<"schemas" | "responses" | "securitySchemes", Json>>;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Json[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, ReplyDescription>>;
}

/** Errors are described once and referred to. */
interface ReplyDescription {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: Content;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Json;
}

type Content = Readonly<Record<string, { readonly schema: Json }>>;

/** The chapters, in the order of the page. */
const TAGS = {
  Inference: "Requests to models, in OpenAI's and Anthropic's formats. Official SDKs work unchanged.",
  Catalogue: "Which models and providers there are, what they cost and how they do.",
  "Own key": "What the calling key may do, has done and has cost.",
  Health: "Liveness, and what the health service knows of models, providers and gateways.",
  Availability: "Whether a model can be asked now, and what to ask instead.",
  Status: "The status page's data. Open to everybody.",
  Monitoring: "Statistics of the gateway's own traffic, breakers and limits.",
  Administration: "Keys, teams, usage, models, providers, cache and limits at run time. The admin key only.",
  Gateway: "The gateway itself: metrics, demo, this document.",
} as const;

/** Writes the document of these routes. @throws Error when two routes have the same method and path. */
export function openApiDocument(routes: readonly RouteDescription[]): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  const shared: Json = { Error: errorSchema() };
  for (const route of routes) {
    const path = route.path.replace("*}", "}");
    const operations = (paths[path] ??= {});
    const method = route.method.toLowerCase();
    if (operations[method] !== undefined) throw new Error(`BUG: ${route.method} ${path} is described twice`);
    operations[method] = operation(route, shared);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "GatewayZ",
      version: GATEWAY_VERSION,
      description:
        "An AI gateway: OpenAI's and Anthropic's APIs in front of any provider, with keys, budgets, failover and its own monitoring. " +
        "Errors have OpenAI's shape, on Anthropic's paths Anthropic's; `gateway_code` says what happened.",
    },
    servers: [{ url: "/", description: "This gateway" }],
    tags: Object.entries(TAGS)
      .filter(([name]) => routes.some(({ tag }) => tag === name))
      .map(([name, description]) => ({ name, description })),
    security: [{ bearer: [] }, { apiKey: [] }],
    paths,
    components: {
      schemas: shared,
      responses: { Error: { description: "What went wrong", content: json({ $ref: "#/components/schemas/Error" }) } },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A gateway key as `Authorization: Bearer KEY`." },
        apiKey: {
          type: "apiKey",
          in: "header",
          name: "x-api-key",
          description: "The same key, as Anthropic's clients send it.",
        },
        admin: { type: "http", scheme: "bearer", description: "The admin key (`ADMIN_API_KEY`)." },
      },
    },
  };
}

const SECURITY: Readonly<Record<RouteDescription["auth"], readonly Json[]>> = {
  open: [],
  client: [{ bearer: [] }, { apiKey: [] }],
  admin: [{ admin: [] }],
};

function operation(route: RouteDescription, shared: Json): Operation {
  const schemas = route.schemas();
  const inPath = parametersOf("path", schemas.params, shared);
  const undeclared = [...route.path.matchAll(/\{(\w+)\*?\}/g)]
    .map(([, name]) => name!)
    .filter((name) => inPath.every((parameter) => parameter.name !== name))
    .map((name): Parameter => ({ name, in: "path", required: true, schema: { type: "string" } }));
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: SECURITY[route.auth],
    parameters: [...inPath, ...undeclared, ...parametersOf("query", schemas.query, shared)],
    ...(schemas.body === undefined
      ? {}
      : { requestBody: { required: true, content: json(jsonSchema(schemas.body, shared)) } }),
    responses: responsesOf(route, schemas, shared),
  };
}

function responsesOf(route: RouteDescription, { reply }: RouteSchemas, shared: Json): Operation["responses"] {
  const content =
    route.replyType === undefined
      ? json(reply === undefined ? {} : jsonSchema(reply, shared))
      : { [route.replyType]: { schema: { type: "string" } } };
  const error = { $ref: "#/components/responses/Error" };
  const takesInput = /\{/.test(route.path) || ["POST", "PUT", "PATCH"].includes(route.method);
  return {
    [route.status ?? 200]: { description: "Success", content },
    ...(takesInput ? { 400: error } : {}),
    ...(route.auth === "open" ? {} : { 401: error, 429: error }),
    ...(route.auth === "admin" ? { 403: error } : {}),
    ...(/\{/.test(route.path) ? { 404: error } : {}),
    default: error,
  };
}

function json(schema: Json): Content {
  return { "application/json": { schema } };
}

/** `GET /v1/models/{id}` → `getV1ModelsById`: unique because method and path are. */
function operationId({ method, path }: RouteDescription): string {
  const words = path
    .replaceAll(/\{(\w+)\*?\}/g, "by $1")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function parametersOf(place: "path" | "query", schema: z.ZodObject | undefined, shared: Json): Parameter[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, shared) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(typeof description === "string" ? { description } : {}),
    schema: rest,
  }));
}

/** The JSON Schema of a zod schema; named parts (`meta({ id })`) go to `shared` and are referred to. */
function jsonSchema(schema: z.ZodType, shared: Json): Json {
  const { $schema: _dialect, $defs, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json;
  for (const [name, definition] of Object.entries(($defs as Json | undefined) ?? {})) shared[name] = moved(definition);
  return moved(rest) as Json;
}

function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === "$ref" && typeof member === "string"
        ? member.replace("#/$defs/", "#/components/schemas/")
        : moved(member),
    ]),
  );
}

function errorSchema(): Json {
  return {
    type: "object",
    required: ["error"],
    properties: {
      error: {
        type: "object",
        required: ["message", "type", "param", "code", "gateway_code", "request_id"],
        properties: {
          message: { type: "string", description: "What failed, what was got, and the next step" },
          type: { type: "string" },
          param: { type: ["string", "null"], description: "The request field at fault" },
          code: { type: ["string", "null"], description: "OpenAI's own word, where it has one" },
          gateway_code: { type: "string", enum: Object.keys(gatewayErrors) },
          request_id: { type: "string" },
        },
      },
    },
  };
}
