import * as z from "zod";
import { keyInput, keyPatch } from "../access/store/key-record.ts";
import { integer, name } from "../openapi/fields.ts";
import { defineRoute, type Route } from "../openapi/route.ts";
import { keyJson, keySchema, newKeySchema } from "./key-json.ts";
import { stored } from "./stored.ts";

const PAGE_MAX = 500;
const tag = "Administration";
const params = () => z.object({ id: name("Id of a key, `key_…`") });

/** `/admin/keys`: keys of the database. Those of `gatewayz.yaml` are changed there. */
export const adminKeyRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/admin/keys",
    auth: "admin",
    tag,
    summary: "The keys of the database, page by page",
    description: "Revoked keys only with `status=revoked`. The next page begins `after` the last id of this one.",
    schemas: () => ({
      query: z.object({
        team: name("Only of this team").optional(),
        owner: name("Only of this owner").optional(),
        status: z.enum(["active", "disabled", "revoked"]).optional(),
        after: name("Id of the last key of the page before").optional(),
        limit: integer(1, PAGE_MAX, 100, "Most keys of this page"),
      }),
      reply: z.object({
        data: z.array(keySchema()),
        has_more: z.boolean(),
        last_id: z.string().nullable(),
        configured: z.array(z.string()).describe("Names of the keys in `gatewayz.yaml`, which are not listed here"),
      }),
    }),
  }).handle(async ({ gateway, query: { team, owner, status, after, limit } }) => {
    const filter = {
      ...(team !== undefined && { team }),
      ...(owner !== undefined && { owner }),
      ...(status !== undefined && { status }),
      ...(after !== undefined && { after }),
      // One more than a page holds tells whether there is another.
      limit: limit + 1,
    };
    const records = await stored(() => gateway.keyStore.list(filter));
    const page = records.slice(0, limit);
    return {
      data: page.map((record) => keyJson(record)),
      has_more: records.length > limit,
      last_id: page.at(-1)?.id ?? null,
      configured: Object.keys(gateway.context.config.gateway.keys),
    };
  }),
  defineRoute({
    method: "POST",
    path: "/admin/keys",
    auth: "admin",
    tag,
    status: 201,
    summary: "Make a key; the reply is the only place where it can be read",
    schemas: () => ({ body: keyInput, reply: newKeySchema() }),
  }).handle(async ({ gateway, reply, body }) => {
    const { secret, record } = await stored(() => gateway.keyStore.create(body));
    reply.header("cache-control", "no-store");
    return { ...keyJson(record), key: secret };
  }),
  defineRoute({
    method: "GET",
    path: "/admin/keys/{id}",
    auth: "admin",
    tag,
    summary: "One key",
    schemas: () => ({ params: params(), reply: keySchema() }),
  }).handle(async ({ gateway, params: { id } }) => keyJson(await stored(() => gateway.keyStore.get(id)))),
  defineRoute({
    method: "PATCH",
    path: "/admin/keys/{id}",
    auth: "admin",
    tag,
    summary: "Change what a key may do; holds from the next request on",
    description:
      "Absent fields stay as they are, `null` empties a field. `limits` and `budget` are replaced as a whole.",
    schemas: () => ({ params: params(), body: keyPatch, reply: keySchema() }),
  }).handle(async ({ gateway, params: { id }, body }) =>
    keyJson(await stored(() => gateway.keyStore.update(id, body))),
  ),
  defineRoute({
    method: "DELETE",
    path: "/admin/keys/{id}",
    auth: "admin",
    tag,
    summary: "Revoke a key for good; its usage stays",
    schemas: () => ({ params: params(), reply: keySchema() }),
  }).handle(async ({ gateway, params: { id } }) => keyJson(await stored(() => gateway.keyStore.revoke(id)))),
  defineRoute({
    method: "POST",
    path: "/admin/keys/{id}/rotate",
    auth: "admin",
    tag,
    summary: "Give a key a new secret; the old one is refused from now on",
    schemas: () => ({ params: params(), reply: newKeySchema() }),
  }).handle(async ({ gateway, reply, params: { id } }) => {
    const { secret, record } = await stored(() => gateway.keyStore.rotate(id));
    reply.header("cache-control", "no-store");
    return { ...keyJson(record), key: secret };
  }),
];
