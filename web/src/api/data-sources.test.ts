import { expect, test } from "vitest";
import { DataSourceDirectory, isGrafanaBuiltin, proxyUrl, refName, UnknownDataSourceError } from "./data-sources.ts";
import type { DataSourceRef } from "./types.ts";

const directory = new DataSourceDirectory([
  { uid: "grafana_loki", name: "Loki", type: "loki" },
  { uid: "grafana_prometheus", name: "Prometheus", type: "prometheus", isDefault: true },
  { uid: "grafana_mimir", name: "Mimir", type: "prometheus" },
]);
const fill = (text: string) => text.replace("${datasource}", "Mimir").replace("${none}", "default");

const found: [DataSourceRef, string][] = [
  [null, "grafana_prometheus"],
  [undefined, "grafana_prometheus"],
  ["default", "grafana_prometheus"],
  ["Loki", "grafana_loki"],
  ["loki", "grafana_loki"],
  ["grafana_mimir", "grafana_mimir"],
  [{ uid: "grafana_mimir", type: "prometheus" }, "grafana_mimir"],
  [{ type: "loki" }, "grafana_loki"],
  [{ type: "prometheus" }, "grafana_prometheus"],
  ["${datasource}", "grafana_mimir"],
  [{ uid: "${datasource}" }, "grafana_mimir"],
  [{ uid: "${none}", type: "loki" }, "grafana_loki"],
];
for (const [ref, uid] of found) {
  test(`${JSON.stringify(ref)} is ${uid}`, () => expect(directory.resolve(ref, fill).uid).toBe(uid));
}

test("a source that is not there is named", () => {
  expect(() => directory.resolve({ uid: "grafana_pyroscope", type: "grafana-pyroscope-datasource" })).toThrow(
    UnknownDataSourceError,
  );
  expect(() => directory.resolve("grafana_pyroscope")).toThrow('There is no data source "grafana_pyroscope".');
  expect(() => directory.resolve({ type: "mysql" })).toThrow("mysql");
  expect(() => new DataSourceDirectory([]).resolve(null)).toThrow("No data source");
});

test("Grafana's own source, names and proxy addresses", () => {
  expect([isGrafanaBuiltin("-- Grafana --"), isGrafanaBuiltin({ uid: "grafana" }), isGrafanaBuiltin("Loki")]).toEqual([
    true,
    true,
    false,
  ]);
  expect([refName({ uid: "a" }), refName("b"), refName(null)]).toEqual(["a", "b", ""]);
  expect(proxyUrl({ uid: "a/b", name: "x", type: "y" }, "/api")).toBe("/api/datasources/proxy/uid/a%2Fb/api");
});
