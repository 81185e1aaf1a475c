import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type SearchSchemaInput,
} from "@tanstack/react-router";
import { PageError } from "../ui/page-error.tsx";
import { parseSearch, type Search, stringifySearch } from "./search.ts";
import { Shell } from "./shell.tsx";

const rootRoute = createRootRoute({
  component: Shell,
  validateSearch: (search: Search & SearchSchemaInput) => search,
  errorComponent: ({ error }) => (
    <PageError title="This page failed" message={error instanceof Error ? error.message : String(error)} />
  ),
  notFoundComponent: () => <PageError title="Page not found" message="There is nothing at this address." />,
});

const parent = { getParentRoute: () => rootRoute };
const dashboardPage = lazyRouteComponent(() => import("../pages/dashboard-page.tsx"), "DashboardPage");

const routeTree = rootRoute.addChildren([
  createRoute({
    ...parent,
    path: "/",
    component: lazyRouteComponent(() => import("../pages/home-page.tsx"), "HomePage"),
  }),
  createRoute({
    ...parent,
    path: "/dashboards",
    component: lazyRouteComponent(() => import("../pages/dashboard-list-page.tsx"), "DashboardListPage"),
  }),
  createRoute({ ...parent, path: "/d/$uid", component: dashboardPage }),
  createRoute({ ...parent, path: "/d/$uid/$slug", component: dashboardPage }),
  createRoute({
    ...parent,
    path: "/explore",
    component: lazyRouteComponent(() => import("../pages/explore-page.tsx"), "ExplorePage"),
  }),
  createRoute({
    ...parent,
    path: "/login",
    component: lazyRouteComponent(() => import("../pages/login-page.tsx"), "LoginPage"),
  }),
]);

/** The app's router. Search values stay text: dashboards own the meaning of their parameters. */
export const router = createRouter({
  routeTree,
  parseSearch,
  stringifySearch: (search) => stringifySearch(search as Search),
  defaultPreload: "intent",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
