import type { Route } from "../../openapi/route.ts";
import { modelSearchRoutes } from "./model-search.ts";
import { modelRoutes } from "./models.ts";
import { providerRoutes } from "./providers.ts";

/** Catalogue reads of contract 6c. */
export const catalogueRoutes: readonly Route[] = [...modelSearchRoutes, ...modelRoutes, ...providerRoutes];
