import type { Route } from "../openapi/route.ts";
import { adminCacheRoutes } from "./cache.ts";
import { adminKeyRoutes } from "./keys.ts";
import { adminTeamRoutes } from "./teams.ts";

/** What the admin key may change at run time. */
export const adminRoutes: readonly Route[] = [...adminKeyRoutes, ...adminTeamRoutes, ...adminCacheRoutes];
