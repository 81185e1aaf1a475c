import * as z from "zod";
import { isAdmin } from "../../access/keys.ts";
import { GatewayError } from "../../errors.ts";
import { name } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import type { ClientIdentity } from "../../request-record.ts";

const params = () => z.object({ id: name("Request id") });

/** What is kept of prompts and answers where capture is on. A key sees and deletes its own; the admin key everybody's. */
export const requestContentRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/v1/requests/{id}/content",
    auth: "client",
    tag: "Monitoring",
    summary: "The redacted prompt and answer of a request, while they are kept",
    schemas: () => ({
      params: params(),
      reply: z.object({
        id: z.string(),
        input: z.string().describe("JSON of what was put before the model, redacted, maybe cut"),
        output: z.string().describe("JSON of what it answered; empty where there was no answer"),
      }),
    }),
  }).handle(async ({ gateway, client, params: { id } }) => {
    const content = await gateway.content.captured(id, ownerOf(client, id));
    if (content === undefined) throw new GatewayError("REQUEST_NOT_FOUND", { id });
    return { id, ...content };
  }),
  defineRoute({
    method: "DELETE",
    path: "/v1/requests/{id}/content",
    auth: "client",
    tag: "Monitoring",
    summary: "Forget the prompt and answer of a request now",
    schemas: () => ({ params: params(), reply: z.object({ id: z.string(), deleted: z.boolean() }) }),
  }).handle(async ({ gateway, client, params: { id } }) => {
    return { id, deleted: await gateway.content.forget(id, ownerOf(client, id)) };
  }),
];

/** The hash of the key whose requests these must be; undefined for the administrator. @throws REQUEST_NOT_FOUND. */
function ownerOf(client: ClientIdentity, id: string): string | undefined {
  // Whoever has no key shares that with everybody.
  if (client.anonymous === true) throw new GatewayError("REQUEST_NOT_FOUND", { id });
  return isAdmin(client) ? undefined : client.keyHash;
}
