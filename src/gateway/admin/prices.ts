import * as z from "zod";
import { priceSchema } from "../live-config/runtime-settings.ts";
import { name } from "../openapi/fields.ts";
import { defineRoute, type Route } from "../openapi/route.ts";
import { stored } from "./stored.ts";

const tag = "Administration";
const params = () => z.object({ model: name("`model`, or `provider/model`") });

const priceView = () =>
  z.object({
    model: z.string(),
    source: z.enum(["file", "database"]).describe("Those of the file are changed there"),
    price: priceSchema,
  });

/** `/admin/prices`: prices of one's own, which go before the price list. */
export const adminPriceRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/admin/prices",
    auth: "admin",
    tag,
    summary: "The prices of one's own; what the list says is in `/v1/models`",
    schemas: () => ({ reply: z.object({ data: z.array(priceView()) }) }),
  }).handle(({ gateway }) => ({
    data: Object.entries(gateway.context.config.gateway.prices.models).map(([model, price]) => ({
      model,
      source: gateway.live.inFile("prices", model) ? ("file" as const) : ("database" as const),
      price,
    })),
  })),
  defineRoute({
    method: "PUT",
    path: "/admin/prices/{model*}",
    auth: "admin",
    tag,
    summary: "Set a model's price, or its prices by date, in US dollars per million tokens",
    description: "Requests that end from now on are billed by it. The fields are those of `gateway.prices.models`.",
    schemas: () => ({ params: params(), body: z.strictObject({ price: priceSchema }), reply: priceView() }),
  }).handle(async ({ gateway, params: { model }, body: { price } }) => {
    await stored(() => gateway.settings.putPrice(model, price));
    return { model, source: "database", price };
  }),
  defineRoute({
    method: "DELETE",
    path: "/admin/prices/{model*}",
    auth: "admin",
    tag,
    summary: "Go back to the list's price",
    schemas: () => ({ params: params(), reply: z.object({ model: z.string(), deleted: z.literal(true) }) }),
  }).handle(async ({ gateway, params: { model } }) => {
    await stored(() => gateway.settings.delete("price", model));
    return { model, deleted: true };
  }),
  defineRoute({
    method: "POST",
    path: "/admin/prices/refresh",
    auth: "admin",
    tag,
    summary: "Fetch the newest price list now (`gateway.prices.url`)",
    description: "Answers when the try has ended. Whether it worked is in the log and in `pricing_sync_*`.",
    schemas: () => ({ reply: z.object({ status: z.literal("ended") }) }),
  }).handle(async ({ gateway }) => {
    await gateway.prices.refreshNow("admin");
    return { status: "ended" };
  }),
];
