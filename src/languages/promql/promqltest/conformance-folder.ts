import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** The folder of test data that is not ours, or undefined where it is absent; then its tests are skipped. */
export function conformanceFolder(name: "promql" | "dashboards" | "rules"): string | undefined {
  const root =
    process.env["GATEWAYZ_CONFORMANCE_DIR"] ?? resolve(import.meta.dirname, "../../../../../shared/conformance");
  const folder = resolve(root, name);
  if (existsSync(folder)) return folder;
  console.warn(`skipped: no ${folder}; set GATEWAYZ_CONFORMANCE_DIR to the conformance data`);
  return undefined;
}
