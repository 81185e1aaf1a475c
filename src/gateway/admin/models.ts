import * as z from "zod";
import { ROUTING_POLICIES } from "../../config/routing.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { aliasPatch, aliasSchema } from "../live-config/runtime-settings.ts";
import { defineRoute, type Route } from "../openapi/route.ts";
import { knownModels } from "../routes/catalogue/listing.ts";
import { stored } from "./stored.ts";

const tag = "Administration";
const modelName = () =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/, "write up to 200 letters, digits and . _ : / -")
    .describe("What clients send as `model`");
const params = () => z.object({ name: modelName() });

const modelView = () =>
  z.object({
    name: z.string(),
    source: z.enum(["file", "database"]).describe("Those of the file are changed there"),
    models: z.array(z.string()).describe("Interchangeable models, in this order unless a policy orders them"),
    policy: z.enum(ROUTING_POLICIES).nullable(),
    fallback: z.array(z.string()).describe("Tried after `models`"),
    fallbackOn: z.array(z.number()),
    providers: z.array(z.string()).nullable().describe("The only providers that may serve it; null for all"),
    hides: z.boolean().describe("True where a provider lists a model of the same name, which this one stands before"),
  });

/** `/admin/models`: models of one's own, which stand for others (aliases with fallbacks). */
export const adminModelRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/admin/models",
    auth: "admin",
    tag,
    summary: "The models of one's own; what providers serve is in `/v1/models`",
    schemas: () => ({ reply: z.object({ data: z.array(modelView()) }) }),
  }).handle(({ gateway }) => ({
    data: Object.keys(gateway.context.config.gateway.aliases).map((name) => viewOf(gateway, name)),
  })),
  defineRoute({
    method: "GET",
    path: "/admin/models/{name*}",
    auth: "admin",
    tag,
    summary: "One model of one's own",
    schemas: () => ({ params: params(), reply: modelView() }),
  }).handle(({ gateway, params: { name } }) => viewOf(gateway, name)),
  defineRoute({
    method: "POST",
    path: "/admin/models",
    auth: "admin",
    tag,
    status: 201,
    summary: "Make a model of one's own; it can be asked from the next request on",
    description: "The fields are those of `gateway.aliases` in `gatewayz.yaml`.",
    schemas: () => ({ body: aliasSchema.extend({ name: modelName() }), reply: modelView() }),
  }).handle(async ({ gateway, body }) => {
    const { name, ...alias } = body;
    if (Object.hasOwn(gateway.context.config.gateway.aliases, name)) {
      throw new GatewayError(
        "CONFLICT",
        { reason: `There is a model ${JSON.stringify(name)} already.` },
        { param: "name" },
      );
    }
    await stored(() => gateway.settings.putAlias(name, alias));
    return viewOf(gateway, name);
  }),
  defineRoute({
    method: "PATCH",
    path: "/admin/models/{name*}",
    auth: "admin",
    tag,
    summary: "Change a model of one's own; absent fields stay as they are",
    schemas: () => ({ params: params(), body: aliasPatch, reply: modelView() }),
  }).handle(async ({ gateway, params: { name }, body }) => {
    const { aliases } = gateway.context.config.gateway;
    if (!Object.hasOwn(aliases, name)) throw new GatewayError("ENTRY_NOT_FOUND", { what: "model", name });
    const changes = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    await stored(() => gateway.settings.putAlias(name, { ...aliases[name]!, ...changes }));
    return viewOf(gateway, name);
  }),
  defineRoute({
    method: "DELETE",
    path: "/admin/models/{name*}",
    auth: "admin",
    tag,
    summary: "Remove a model of one's own",
    schemas: () => ({ params: params(), reply: z.object({ name: z.string(), deleted: z.literal(true) }) }),
  }).handle(async ({ gateway, params: { name } }) => {
    await stored(() => gateway.settings.delete("alias", name));
    return { name, deleted: true };
  }),
];

function viewOf(gateway: Gateway, name: string) {
  const { aliases } = gateway.context.config.gateway;
  const alias = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  if (alias === undefined) throw new GatewayError("ENTRY_NOT_FOUND", { what: "model", name });
  return {
    name,
    source: gateway.live.inFile("aliases", name) ? ("file" as const) : ("database" as const),
    models: alias.models,
    policy: alias.policy ?? null,
    fallback: alias.fallback,
    fallbackOn: alias.fallbackOn,
    providers: alias.providers ?? null,
    hides: knownModels(gateway).some(({ id }) => id === name),
  };
}
