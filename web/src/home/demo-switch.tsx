import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getJson, postJson } from "../api/client.ts";
import type { DemoStatus } from "../api/types.ts";

const KEY = ["demo"];

/** Turns the demo traffic on and off. */
export function DemoSwitch() {
  const client = useQueryClient();
  const { data } = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => getJson<DemoStatus>("/api/gatewayz/demo", signal),
    refetchInterval: 10_000,
  });
  const change = useMutation({
    mutationFn: (action: "start" | "stop") => postJson<DemoStatus>(`/api/gatewayz/demo?action=${action}`, { action }),
    onSuccess: (status) => client.setQueryData(KEY, status),
  });
  if (data === undefined || data.available === false) return null;
  const running = data.running === true;
  return (
    <div className="demo-switch">
      <span>Demo traffic</span>
      <button
        type="button"
        role="switch"
        className="switch"
        aria-checked={running}
        aria-label="Demo traffic"
        disabled={change.isPending}
        onClick={() => change.mutate(running ? "stop" : "start")}
      />
      <span className="hint">{running ? "on" : "off"}</span>
      {change.error !== null && <span className="panel-warning">{change.error.message}</span>}
    </div>
  );
}
