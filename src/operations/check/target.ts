import { type ProbeOptions, type ProbeResult, probe } from "../probe.ts";

/** The installation to check, by URL: ours, or the real engines. */
export interface Installation {
  readonly gateway: string;
  readonly health: string;
  readonly metrics: string;
  readonly logs: string;
  readonly traces: string;
  readonly dashboards: string;
  readonly adminApiKey: string;
  readonly engineKey: string | undefined;
  readonly dashboardsUser: string;
  readonly dashboardsPassword: string;
  /** Folder whose volume holds the data; undefined when the installation is elsewhere. */
  readonly dataDir: string | undefined;
}

/** One row of the result. `pending` means: no fault seen, but the history is too short to say. */
export interface Finding {
  readonly component: "Backend" | "Prometheus" | "Loki" | "Tempo" | "Grafana" | "Overall" | "Platform";
  readonly criterion: string;
  readonly measured: string;
  readonly verdict: "ok" | "fail" | "pending";
  /** For a failure: what is wrong, and what to do. */
  readonly cause?: string;
  readonly fix?: string;
}

/** Asks the installation's parts with the credentials each wants. */
export class Target {
  readonly at: Installation;

  constructor(installation: Installation) {
    this.at = installation;
  }

  gateway(path: string): Promise<ProbeResult> {
    return probe(this.at.gateway + path, { bearer: this.at.adminApiKey });
  }

  engine(base: string, path: string): Promise<ProbeResult> {
    const options: ProbeOptions = this.at.engineKey === undefined ? {} : { bearer: this.at.engineKey };
    return probe(base + path, options);
  }

  dashboards(path: string): Promise<ProbeResult> {
    return probe(this.at.dashboards + path, {
      basic: { user: this.at.dashboardsUser, password: this.at.dashboardsPassword },
    });
  }

  /** Values of an instant PromQL query; an empty list when it has none, a string when it failed. */
  async promql(query: string): Promise<{ labels: Record<string, string>; value: number }[] | string> {
    const reply = await this.engine(this.at.metrics, `/api/v1/query?query=${encodeURIComponent(query)}`);
    if (!reply.ok) return `${reply.step}: ${reply.message}`;
    if (reply.status !== 200) return `${reply.status}: ${reply.body.slice(0, 200)}`;
    const parsed = JSON.parse(reply.body) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return parsed.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }
}
