import type { Route } from "../openapi/route.ts";
import { adminCacheRoutes } from "./cache.ts";
import { adminKeyRoutes } from "./keys.ts";
import { adminModelRoutes } from "./models.ts";
import { adminPriceRoutes } from "./prices.ts";
import { adminProviderRoutes } from "./providers.ts";
import { adminRateLimitRoutes } from "./rate-limits.ts";
import { adminTeamRoutes } from "./teams.ts";
import { adminUsageRoutes } from "./usage.ts";

/** What the admin key may see and change at run time. */
export const adminRoutes: readonly Route[] = [
  ...adminKeyRoutes,
  ...adminTeamRoutes,
  ...adminUsageRoutes,
  ...adminModelRoutes,
  ...adminPriceRoutes,
  ...adminProviderRoutes,
  ...adminRateLimitRoutes,
  ...adminCacheRoutes,
];
