import type { FastifyInstance } from "fastify";
import { stringify } from "yaml";
import { HttpError } from "../../runtime/http-error.ts";
import type { RuleGroup } from "../rules/rule-file.ts";
import type { Ruler } from "../rules/ruler.ts";

/** Loki's rule listings: YAML under its own path, Prometheus' JSON under the other. */
export function addRuleRoutes(app: FastifyInstance, ruler: Ruler): void {
  app.get("/loki/api/v1/rules", async (_request, reply) => {
    if (ruler.groups.length === 0) throw new HttpError(404, "no rule groups found");
    const byFile: Record<string, object[]> = {};
    for (const group of ruler.groups) (byFile[group.file] ??= []).push(toYamlGroup(group));
    return reply.type("application/yaml").send(stringify(byFile));
  });
  for (const path of ["/prometheus/api/v1/rules", "/loki/api/v1/alerts", "/prometheus/api/v1/alerts"]) {
    app.get(path, async () => ({
      status: "success",
      data: path.endsWith("alerts")
        ? { alerts: [] }
        : { groups: ruler.groups.map((group) => toJsonGroup(ruler, group)) },
      errorType: "",
      error: "",
    }));
  }
}

function toYamlGroup({ name, intervalMs, rules }: RuleGroup): object {
  return {
    name,
    interval: `${intervalMs / 1_000}s`,
    rules: rules.map(({ record, query, labels }) => ({
      record,
      expr: query,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    })),
  };
}

function toJsonGroup(ruler: Ruler, group: RuleGroup): object {
  const states = group.rules.map((rule) => ruler.stateOf(rule));
  const lastMs = Math.max(0, ...states.map(({ lastEvaluationMs }) => lastEvaluationMs));
  return {
    name: group.name,
    file: group.file,
    rules: group.rules.map((rule, index) => {
      const { health, lastError, lastEvaluationMs, evaluationSeconds } = states[index]!;
      return {
        name: rule.record,
        query: rule.query,
        labels: rule.labels,
        health,
        lastError,
        type: "recording",
        lastEvaluation: new Date(lastEvaluationMs).toISOString(),
        evaluationTime: evaluationSeconds,
      };
    }),
    interval: group.intervalMs / 1_000,
    lastEvaluation: new Date(lastMs).toISOString(),
    evaluationTime: states.reduce((sum, { evaluationSeconds }) => sum + evaluationSeconds, 0),
    limit: 0,
  };
}
