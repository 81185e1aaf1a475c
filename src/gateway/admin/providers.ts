import * as z from "zod";
import { PROVIDER_TYPES, providerSchema } from "../../config/provider-schema.ts";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { defineRoute, type Route } from "../openapi/route.ts";
import { stored } from "./stored.ts";

const tag = "Administration";
/** As in configuration files and model prefixes (`name/model`), so without a slash. */
const providerName = () =>
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "write up to 64 letters, digits, dots, dashes and underscores");
const params = () => z.object({ name: providerName() });

/** Fields whose value nobody reads again. */
const SECRET_FIELDS = ["apiKey", "apiKeys", "headers"] as const;

const providerView = () =>
  z.object({
    name: z.string(),
    source: z
      .enum(["file", "database", "simulator"])
      .describe("Those of the file and the environment are changed there"),
    type: z.enum(PROVIDER_TYPES),
    baseUrl: z.string().describe("Without credentials"),
    models: z.array(z.string()).describe("As configured; empty asks the provider's own list"),
    modelsListed: z.number().nullable().describe("Null while the provider has not told"),
    allowPrivate: z.boolean(),
    hasKey: z.boolean(),
    keys: z.number().describe("Keys that calls are spread over"),
    breaker: z.enum(["closed", "open", "half_open"]),
  });

/** `/admin/providers`: providers that are made, changed and removed while requests run. */
export const adminProviderRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/admin/providers",
    auth: "admin",
    tag,
    summary: "The providers that are switched on, keys hidden",
    schemas: () => ({ reply: z.object({ data: z.array(providerView()) }) }),
  }).handle(({ gateway }) => ({ data: [...gateway.providers.keys()].map((name) => viewOf(gateway, name)) })),
  defineRoute({
    method: "GET",
    path: "/admin/providers/{name}",
    auth: "admin",
    tag,
    summary: "One provider",
    schemas: () => ({ params: params(), reply: providerView() }),
  }).handle(({ gateway, params: { name } }) => viewOf(gateway, name)),
  defineRoute({
    method: "POST",
    path: "/admin/providers",
    auth: "admin",
    tag,
    status: 201,
    summary: "Switch a provider on; asked from the next request on",
    description:
      "The fields are those of `gateway.providers` in `gatewayz.yaml`. An address in a private range or on this machine needs `allowPrivate: true`; link-local and metadata addresses are never called. The key is kept sealed in the database.",
    schemas: () => ({ body: providerSchema.extend({ name: providerName() }), reply: providerView() }),
  }).handle(async ({ gateway, body }) => {
    const { name, ...config } = body;
    refuseDemo(gateway);
    if (gateway.providers.has(name) || Object.hasOwn(gateway.live.overlay.providers, name)) {
      throw new GatewayError(
        "CONFLICT",
        { reason: `There is a provider ${JSON.stringify(name)} already.` },
        { param: "name" },
      );
    }
    await stored(() => gateway.settings.putProvider(name, config));
    return viewOf(gateway, name);
  }),
  defineRoute({
    method: "PATCH",
    path: "/admin/providers/{name}",
    auth: "admin",
    tag,
    summary: "Change a provider; requests that it is answering end by themselves",
    description: "Absent fields stay as they are, `null` empties a field.",
    schemas: () => ({ params: params(), body: z.record(z.string(), z.unknown()), reply: providerView() }),
  }).handle(async ({ gateway, params: { name }, body }) => {
    const before = gateway.live.overlay.providers[name];
    if (before === undefined) return refuseFiled(gateway, name);
    const merged = Object.fromEntries(Object.entries({ ...before, ...body }).filter(([, value]) => value !== null));
    const parsed = providerSchema.safeParse(merged);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      const field = issue.code === "unrecognized_keys" ? issue.keys[0]! : issue.path.join(".");
      throw new GatewayError(
        "INVALID_REQUEST",
        { reason: `The field "${field}" is not valid: ${issue.message}.` },
        { param: field },
      );
    }
    await stored(() => gateway.settings.putProvider(name, parsed.data));
    return viewOf(gateway, name);
  }),
  defineRoute({
    method: "DELETE",
    path: "/admin/providers/{name}",
    auth: "admin",
    tag,
    summary: "Switch a provider off; requests that it is answering end by themselves",
    schemas: () => ({ params: params(), reply: z.object({ name: z.string(), deleted: z.literal(true) }) }),
  }).handle(async ({ gateway, params: { name } }) => {
    await stored(() => gateway.settings.delete("provider", name));
    return { name, deleted: true };
  }),
];

function viewOf(gateway: Gateway, name: string) {
  const provider = gateway.providers.get(name);
  if (provider === undefined) throw new GatewayError("PROVIDER_NOT_FOUND", { provider: name });
  const config = gateway.context.config.gateway.providers[name];
  const made = !gateway.live.inFile("providers", name);
  return {
    name,
    source: provider.simulated ? ("simulator" as const) : made ? ("database" as const) : ("file" as const),
    type: provider.type,
    baseUrl: provider.displayUrl,
    models: [...provider.configuredModels],
    modelsListed: gateway.catalog.models(name)?.size ?? null,
    allowPrivate: config?.allowPrivate ?? false,
    hasKey: config !== undefined && SECRET_FIELDS.some((field) => hasValue(config[field])),
    keys: provider.credentials.length,
    breaker: gateway.breakers.of(name)?.state ?? ("closed" as const),
  };
}

function hasValue(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== "";
}

function refuseDemo({ context }: Gateway): void {
  if (context.config.mode !== "demo") return;
  const reason = "Demo mode answers with the simulator only; start with a provider or GATEWAYZ_MODE=live.";
  throw new GatewayError("CONFLICT", { reason });
}

function refuseFiled(gateway: Gateway, name: string): never {
  if (!gateway.live.inFile("providers", name)) throw new GatewayError("PROVIDER_NOT_FOUND", { provider: name });
  const reason = `The provider ${JSON.stringify(name)} stands in gatewayz.yaml or the environment; change it there.`;
  throw new GatewayError("CONFLICT", { reason });
}
