import * as z from "zod";
import { type Budget, budget } from "../../config/access.ts";
import { name } from "../openapi/fields.ts";
import { defineRoute, type Route } from "../openapi/route.ts";
import { stored } from "./stored.ts";

const tag = "Administration";
const params = () => z.object({ name: name("Name of a team") });
const team = () =>
  z.object({
    name: z.string(),
    budget: budget,
    source: z
      .enum(["database", "file"])
      .describe("A team of `gatewayz.yaml` is changed there, and goes before one of the database"),
  });

/** `/admin/teams`: budgets that all keys of a team share. */
export const adminTeamRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/admin/teams",
    auth: "admin",
    tag,
    summary: "The teams and their budgets",
    schemas: () => ({ reply: z.object({ data: z.array(team()) }) }),
  }).handle(async ({ gateway }) => {
    const configured = Object.entries(gateway.context.config.gateway.budgets.teams);
    const inFile = new Set(configured.map(([one]) => one));
    const records = await stored(() => gateway.keyStore.teams());
    return {
      data: [
        ...configured.map(([one, money]) => ({ name: one, budget: money, source: "file" as const })),
        ...records
          .filter((record) => !inFile.has(record.name))
          .map((record) => ({ name: record.name, budget: record.budget as Budget, source: "database" as const })),
      ],
    };
  }),
  defineRoute({
    method: "PUT",
    path: "/admin/teams/{name}",
    auth: "admin",
    tag,
    summary: "Make a team, or change its budget",
    schemas: () => ({ params: params(), body: z.strictObject({ budget: budget }), reply: team() }),
  }).handle(async ({ gateway, params: { name: one }, body }) => {
    const record = await stored(() => gateway.keyStore.putTeam(one, body.budget));
    return { name: record.name, budget: record.budget as Budget, source: "database" };
  }),
  defineRoute({
    method: "DELETE",
    path: "/admin/teams/{name}",
    auth: "admin",
    tag,
    summary: "Remove a team's budget; its keys stay",
    schemas: () => ({ params: params(), reply: z.object({ name: z.string(), deleted: z.literal(true) }) }),
  }).handle(async ({ gateway, params: { name: one } }) => {
    await stored(() => gateway.keyStore.deleteTeam(one));
    return { name: one, deleted: true };
  }),
];
