import type { DataSource, DataSourceRef } from "./types.ts";

/** Panel-level names that are not data sources of their own. */
export const MIXED_UID = "-- Mixed --";
export const DASHBOARD_UID = "-- Dashboard --";
const GRAFANA_UIDS = new Set(["-- Grafana --", "grafana"]);

/** A reference that leads nowhere; `message` names it the way Grafana users know. */
export class UnknownDataSourceError extends Error {
  override readonly name = "UnknownDataSourceError";
}

/** The data sources that the server offers, and how dashboards find them. */
export class DataSourceDirectory {
  readonly all: readonly DataSource[];

  constructor(all: readonly DataSource[]) {
    this.all = all;
  }

  /** The source used where a dashboard names none. */
  get default(): DataSource | undefined {
    return this.all.find((source) => source.isDefault) ?? this.all[0];
  }

  /** The first source of a type, the default one first. */
  ofType(type: string): DataSource | undefined {
    const matching = this.all.filter((source) => source.type === type);
    return matching.find((source) => source.isDefault) ?? matching[0];
  }

  /**
   * Finds a source by uid, by name (in any case), or by type alone. `interpolate` fills `${datasource}` variables.
   * @throws UnknownDataSourceError when a reference names a source that does not exist.
   */
  resolve(ref: DataSourceRef, interpolate: (text: string) => string = (text) => text): DataSource {
    const { name, type } = parts(ref, interpolate);
    if (name === "" || name === "default") {
      const source = type === "" ? this.default : this.ofType(type);
      if (source !== undefined) return source;
      throw new UnknownDataSourceError(
        type === "" ? "No data source is configured." : `There is no data source of type "${type}".`,
      );
    }
    const wanted = name.toLowerCase();
    const found =
      this.all.find((source) => source.uid === name) ?? this.all.find((source) => source.name.toLowerCase() === wanted);
    if (found !== undefined) return found;
    throw new UnknownDataSourceError(`There is no data source "${name}".`);
  }
}

/** Whether a reference means Grafana's built-in source, which holds annotations and random walks only. */
export function isGrafanaBuiltin(ref: DataSourceRef): boolean {
  return GRAFANA_UIDS.has(parts(ref).name);
}

/** The uid (or name) that a reference carries, without interpolation; "" if none. */
export function refName(ref: DataSourceRef): string {
  return parts(ref).name;
}

function parts(
  ref: DataSourceRef,
  interpolate: (text: string) => string = (text) => text,
): { name: string; type: string } {
  if (ref === null || ref === undefined) return { name: "", type: "" };
  if (typeof ref === "string") return { name: interpolate(ref), type: "" };
  return { name: interpolate(ref.uid ?? ""), type: interpolate(ref.type ?? "") };
}

/** Address of an engine behind the server's proxy. */
export function proxyUrl(source: DataSource, path: string): string {
  return `/api/datasources/proxy/uid/${encodeURIComponent(source.uid)}${path}`;
}
