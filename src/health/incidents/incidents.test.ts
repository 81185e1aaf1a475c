import fc from "fast-check";
import { expect, test } from "vitest";
import { CHECK_STATUSES, type CheckStatus } from "../check.ts";
import { check } from "../testing/check.ts";
import { type Incident, incidentAfterCheck, incidentJson, severityOf } from "./incidents.ts";

/** Runs a series of statuses through the state machine; returns every incident in its last form, oldest first. */
function run(statuses: readonly CheckStatus[], kind: "probe" | "passive" = "probe"): Incident[] {
  const incidents = new Map<string, Incident>();
  let open: Incident | undefined;
  let [failures, successes] = [0, 0];
  statuses.forEach((status, index) => {
    failures = status === "success" ? 0 : failures + 1;
    successes = status === "success" ? successes + 1 : 0;
    const next = incidentAfterCheck(open, check({ status, kind, atMs: index * 1_000 }), failures, successes);
    if (next !== undefined) incidents.set(next.id, next);
    open = next?.status === "resolved" ? undefined : next;
  });
  return [...incidents.values()];
}

test("opens on the first failure with its type, low", () => {
  const types = { error: "outage", timeout: "timeout", rate_limited: "rate_limit", unauthorized: "authentication" };
  for (const [status, type] of Object.entries({ ...types, not_found: "unavailable" })) {
    const [incident] = run([status as CheckStatus]);
    expect(incident).toMatchObject({ incidentType: type, severity: "low", status: "active", errorCount: 1 });
  }
});

test("further failures count and raise the severity: 3 medium, 5 high, 10 critical", () => {
  const severities = [1, 3, 5, 10].map((count) => run(new Array<CheckStatus>(count).fill("error"))[0]!);
  expect(severities.map(({ severity }) => severity)).toEqual(["low", "medium", "high", "critical"]);
  expect(severities.map(({ errorCount }) => errorCount)).toEqual([1, 3, 5, 10]);
});

test("two successes do not resolve it, three in a row do", () => {
  expect(run(["error", "success", "success"])[0]!.status).toBe("active");
  expect(run(["error", "success", "success", "error", "success", "success"])).toHaveLength(1);
  const [resolved] = run(["error", "success", "success", "success"]);
  expect(resolved).toMatchObject({ status: "resolved", resolvedAtMs: 3_000 });
  expect(incidentJson(resolved!, 9_000)).toMatchObject({ duration_seconds: 3, status: "resolved" });
});

test("after a resolved one the next failure opens another", () => {
  expect(run(["error", "success", "success", "success", "timeout"]).map(({ status }) => status)).toEqual([
    "resolved",
    "active",
  ]);
});

test("only customers' failed calls count as affected requests", () => {
  expect(run(["error", "error"], "passive")[0]!.affectedRequests).toBe(2);
  expect(run(["error", "error"], "probe")[0]!.affectedRequests).toBe(0);
});

test("any series: at most one open, none without a failure, every failure counted once", () => {
  const series = fc.array(fc.constantFrom(...CHECK_STATUSES), { maxLength: 60 });
  fc.assert(
    fc.property(series, (statuses) => {
      const incidents = run(statuses);
      const failures = statuses.filter((status) => status !== "success").length;
      expect(incidents.filter(({ status }) => status !== "resolved").length).toBeLessThanOrEqual(1);
      expect(incidents.reduce((sum, { errorCount }) => sum + errorCount, 0)).toBe(failures);
      if (failures > 0) expect(incidents.length).toBeGreaterThan(0);
    }),
  );
});

test("severity by consecutive failures", () => {
  expect([1, 2, 3, 4, 5, 9, 10, 99].map(severityOf)).toEqual([
    "low",
    "low",
    "medium",
    "medium",
    "high",
    "high",
    "critical",
    "critical",
  ]);
});
