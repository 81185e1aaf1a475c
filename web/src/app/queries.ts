import { QueryClient, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { ApiError, getJson } from "../api/client.ts";
import { DataSourceDirectory } from "../api/data-sources.ts";
import type { DashboardResponse, DataSource, SearchHit, ServerInfo } from "../api/types.ts";

/** Answers about the server's own things stay fresh this long. */
const FRESH_MS = 30_000;

/** The cache of what the server says about itself; panels' data does not pass through it. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

/** The data sources, in a directory that knows how dashboards refer to them. */
export function useDataSources(): { directory: DataSourceDirectory | undefined; error: Error | null } {
  const { data, error } = useQuery({
    queryKey: ["datasources"],
    queryFn: ({ signal }) => getJson<DataSource[]>("/api/datasources", signal),
  });
  const directory = useMemo(() => (data === undefined ? undefined : new DataSourceDirectory(data)), [data]);
  return { directory, error };
}

/** All dashboards, for lists and menus. */
export function useDashboardList() {
  return useQuery({
    queryKey: ["dashboards"],
    queryFn: ({ signal }) => getJson<SearchHit[]>("/api/search?type=dash-db", signal),
  });
}

/** One dashboard's document. */
export function useDashboard(uid: string) {
  return useQuery({
    queryKey: ["dashboard", uid],
    queryFn: ({ signal }) => getJson<DashboardResponse>(`/api/dashboards/uid/${encodeURIComponent(uid)}`, signal),
  });
}

/** What runs here: mode, version, the gateway's address, the demo's state. */
export function useServerInfo() {
  return useQuery({
    queryKey: ["info"],
    queryFn: ({ signal }) => getJson<ServerInfo>("/api/gatewayz/info", signal),
    refetchInterval: 10_000,
  });
}
