/** Shapes of the Grafana-shaped HTTP API that the server answers. */

export interface DataSource {
  uid: string;
  name: string;
  /** "prometheus", "loki", "tempo" and so on. */
  type: string;
  url?: string;
  isDefault?: boolean;
  jsonData?: Record<string, unknown>;
}

/** How dashboards name a data source: by object, by name or uid as text, or not at all (the default one). */
export type DataSourceRef = { uid?: string; type?: string } | string | null | undefined;

export interface SearchHit {
  uid: string;
  title: string;
  url?: string;
  type?: string;
  tags?: string[];
  folderTitle?: string;
}

export interface DashboardResponse {
  dashboard: Record<string, unknown>;
  meta: { slug?: string; folderTitle?: string; provisioned?: boolean };
}

export interface ServerInfo {
  mode?: string;
  version?: string;
  gatewayUrl?: string | null;
  /** Whether the simulator answers and demo traffic may run. */
  demo?: boolean;
}

export interface DemoStatus {
  available?: boolean;
  running?: boolean;
}
