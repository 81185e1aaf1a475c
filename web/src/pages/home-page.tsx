import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import type { DataSourceDirectory } from "../api/data-sources.ts";
import { useDashboardList, useDataSources, useServerInfo } from "../app/queries.ts";
import { DemoSwitch } from "../home/demo-switch.tsx";
import { FirstRequest } from "../home/first-request.tsx";
import { NewestRequests } from "../home/newest-requests.tsx";
import { loadServices } from "../home/services.ts";
import { Icon, type IconName } from "../ui/icon.tsx";

/** Our own dashboards, in the order in which somebody new reads them. */
const DASHBOARDS: { uid: string; title: string; text: string; icon: IconName }[] = [
  {
    uid: "gatewayz-request-metrics",
    title: "Request Metrics",
    text: "Rates, latency, tokens and cost by model and provider",
    icon: "dashboards",
  },
  {
    uid: "gatewayz-health-status",
    title: "Health Status",
    text: "Models, providers, incidents and the health service",
    icon: "check",
  },
  {
    uid: "gatewayz-trace-analysis",
    title: "Trace Analysis",
    text: "Where time goes inside a request, span by span",
    icon: "trace",
  },
  {
    uid: "gatewayz-log-aggregation",
    title: "Log Aggregation",
    text: "Every line of every service, one click from its trace",
    icon: "logs",
  },
];

const SERVICES_REFRESH_MS = 5_000;

/** `/`: what runs, how to send a first request, and what arrived last. */
export function HomePage() {
  const { data: info } = useServerInfo();
  const { directory } = useDataSources();
  const { data: dashboards = [] } = useDashboardList();
  useEffect(() => {
    document.title = "GatewayZ";
  }, []);
  const known = new Set(dashboards.map((hit) => hit.uid));
  const others = dashboards.length - DASHBOARDS.filter((one) => known.has(one.uid)).length;
  return (
    <div className="page home">
      <header className="home-head">
        <div>
          <h1>Gateway and monitoring</h1>
          <p className="home-lead">
            {info?.mode === "demo"
              ? "Demo mode: the built-in simulator answers until a provider is configured."
              : "Every request here is a metric, a log line and a trace, one click apart."}
            {info?.version !== undefined && <span className="hint"> Version {info.version}</span>}
          </p>
        </div>
        {info?.demo === true && <DemoSwitch />}
      </header>
      {directory !== undefined && <Services directory={directory} />}
      <div className="home-dashboards">
        {DASHBOARDS.map((one) => (
          <Link key={one.uid} to="/d/$uid" params={{ uid: one.uid }} search={{}} className="home-dashboard">
            <Icon name={one.icon} size={20} />
            <span>
              <b>{one.title}</b>
              <small>{one.text}</small>
            </span>
          </Link>
        ))}
      </div>
      {others > 0 && (
        <p className="home-more">
          <Link to="/dashboards" search={{}}>
            {others} more {others === 1 ? "dashboard" : "dashboards"}
          </Link>
        </p>
      )}
      <div className="home-columns">
        {directory !== undefined && <NewestRequests directory={directory} />}
        <FirstRequest gatewayUrl={info?.gatewayUrl ?? undefined} />
      </div>
    </div>
  );
}

function Services({ directory }: { directory: DataSourceDirectory }) {
  const { data = [] } = useQuery({
    queryKey: ["services"],
    queryFn: ({ signal }) => loadServices(directory, signal),
    refetchInterval: SERVICES_REFRESH_MS,
  });
  return (
    <ul className="services" aria-label="Services">
      {data.map((service) => (
        <li key={service.name} className={`service service-${service.state}`} title={service.detail}>
          <span className="service-dot" />
          <b>{service.name}</b>
          <span>{service.state}</span>
        </li>
      ))}
    </ul>
  );
}
