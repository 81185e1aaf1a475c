import type { Route } from "../../openapi/route.ts";
import { modelRoutes } from "./models.ts";

/** Catalogue reads of contract 6c. */
export const catalogueRoutes: readonly Route[] = [...modelRoutes];
