import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { createLogger } from "../../runtime/logger.ts";
import { Labels } from "../../series/labels.ts";
import { RecordingStore, series } from "../testing.ts";
import type { AlertingRule } from "./alerting-rule.ts";
import type { RuleQuery, RuleSample } from "./rule.ts";
import { parseRuleFile } from "./rule-file.ts";
import { RuleGroup } from "./rule-group.ts";
import { RuleMetrics } from "./rule-metrics.ts";

interface Fixture {
  group: RuleGroup;
  store: RecordingStore;
  /** Results by expression; a text is an error. */
  results: Record<string, RuleSample[] | string>;
  /** Evaluates `seconds` after the start; gives what was written. */
  at(seconds: number): Promise<string[]>;
}

function fixture(text: string, results: Fixture["results"] = {}): Fixture {
  const [spec] = parseRuleFile(text, "rules.yml");
  const store = new RecordingStore();
  const query: RuleQuery = async (expression) => {
    const result = results[expression] ?? [];
    if (typeof result === "string") throw new Error(result);
    return result;
  };
  const group = new RuleGroup({
    spec: spec!,
    intervalMs: spec!.intervalMs ?? 60_000,
    queryOffsetMs: spec!.queryOffsetMs ?? 0,
    context: { externalLabels: Labels.EMPTY, externalUrl: "http://x" },
    query,
    appender: store.appender,
    metrics: new RuleMetrics(new Registry()),
    logger: createLogger("metrics", "error", { write: () => undefined }),
  });
  return {
    group,
    store,
    results,
    at: async (seconds) => {
      await group.evaluate(seconds * 1_000);
      return store.take();
    },
  };
}

describe("recording rules", () => {
  const text = "groups: [{ name: g, rules: [{ record: a:b, expr: up, labels: { team: x, job: '' } }] }]";

  test("write their result under their own name and labels; what vanishes becomes stale", async () => {
    const { at, results } = fixture(text, { up: [{ labels: series("up", { job: "1", i: "1" }), value: 3 }] });
    expect(await at(60)).toEqual(['a:b{i="1", team="x"} 3 @60000']);
    results["up"] = [{ labels: series("up", { i: "2" }), value: 4 }];
    expect(await at(120)).toEqual(['a:b{i="2", team="x"} 4 @120000', 'a:b{i="1", team="x"} stale @120000']);
    results["up"] = [];
    expect(await at(180)).toEqual(['a:b{i="2", team="x"} stale @180000']);
    expect(await at(240)).toEqual([]);
  });

  test("a failing rule keeps its error and leaves the others alone", async () => {
    const two = "groups: [{ name: g, rules: [{ record: a, expr: up }, { record: b, expr: down }] }]";
    const { at, group, results } = fixture(two, {
      up: "execution failed",
      down: [{ labels: series("down"), value: 1 }],
    });
    expect(await at(60)).toEqual(["b 1 @60000"]);
    expect(group.rules[0]!.status).toMatchObject({ health: "err", lastError: "execution failed" });
    expect(group.rules[1]!.status.health).toBe("ok");
    results["up"] = [];
    await at(120);
    expect(group.rules[0]!.status).toMatchObject({ health: "ok", lastError: "" });
  });

  test("two results of the same labels are an error, and so is a limit that is passed", async () => {
    const same = [series("up", { job: "1" }), series("up", { job: "2" })].map((labels) => ({ labels, value: 1 }));
    const first = fixture(text, { up: same });
    await first.at(60);
    expect(first.group.rules[0]!.status.lastError).toBe(
      "vector contains metrics with the same labelset after applying rule labels",
    );
    const limited = fixture("groups: [{ name: g, limit: 1, rules: [{ record: a, expr: up }] }]", { up: same });
    await limited.at(60);
    expect(limited.group.rules[0]!.status.lastError).toBe("exceeded limit of 1 with 2 series");
  });

  test("the query offset moves the time of the samples", async () => {
    const { at } = fixture("groups: [{ name: g, query_offset: 10s, rules: [{ record: a, expr: up }] }]", {
      up: [{ labels: series("up"), value: 1 }],
    });
    expect(await at(60)).toEqual(["a 1 @50000"]);
  });
});

describe("alerting rules", () => {
  const text = `groups:
  - name: g
    rules:
      - alert: High
        expr: x > 1
        for: 2m
        keep_firing_for: 1m
        labels: { severity: "{{ $labels.level }}" }
        annotations: { summary: "{{ $value | humanizePercentage }}" }
`;
  const sample = { labels: series("x", { level: "bad" }), value: 0.5 };

  test("go from pending to firing and end, with ALERTS and ALERTS_FOR_STATE", async () => {
    const { at, group, results } = fixture(text, { "x > 1": [sample] });
    const rule = group.rules[0] as AlertingRule;
    const alert = 'alertname="High"';
    const tail = 'level="bad", severity="bad"';
    expect(await at(60)).toEqual([
      `ALERTS{${alert}, alertstate="pending", ${tail}} 1 @60000`,
      `ALERTS_FOR_STATE{${alert}, ${tail}} 60 @60000`,
    ]);
    expect(rule.alerts[0]).toMatchObject({ state: "pending", activeMs: 60_000, value: 0.5 });
    expect(rule.alerts[0]!.annotations.toRecord()).toEqual({ summary: "50%" });
    await at(120);
    expect(rule.state).toBe("pending");
    expect(await at(180)).toEqual([
      `ALERTS{${alert}, alertstate="firing", ${tail}} 1 @180000`,
      `ALERTS_FOR_STATE{${alert}, ${tail}} 60 @180000`,
      `ALERTS{${alert}, alertstate="pending", ${tail}} stale @180000`,
    ]);
    results["x > 1"] = [];
    await at(200);
    expect(rule.state).toBe("firing");
    await at(300);
    expect(rule.state).toBe("inactive");
    expect(rule.alerts).toEqual([]);
  });

  test("a pending alert whose result vanishes is forgotten", async () => {
    const { at, group, results } = fixture(text, { "x > 1": [sample] });
    await at(60);
    results["x > 1"] = [];
    await at(120);
    results["x > 1"] = [sample];
    await at(180);
    expect((group.rules[0] as AlertingRule).alerts[0]!.activeMs).toBe(180_000);
  });

  test("go on counting after a restart", async () => {
    const restore = 'last_over_time(ALERTS_FOR_STATE{alertname="High"}[3600000ms] offset 1ms)';
    const stored = series("ALERTS_FOR_STATE", { alertname: "High", level: "bad", severity: "bad" });
    const { at, group } = fixture(text, { "x > 1": [sample], [restore]: [{ labels: stored, value: 500 }] });
    await at(600);
    expect((group.rules[0] as AlertingRule).alerts[0]!.activeMs).toBe(500_000);
    await at(620);
    expect((group.rules[0] as AlertingRule).state).toBe("firing");
  });

  test("survive a reload of their group", async () => {
    const first = fixture(text, { "x > 1": [sample] });
    await first.at(60);
    const second = fixture(text, { "x > 1": [sample] });
    second.group.inherit(first.group);
    await second.at(180);
    expect((second.group.rules[0] as AlertingRule).state).toBe("firing");
  });
});

describe("rule files", () => {
  const bad = [
    {
      text: "groups: [{ name: g, rule: [] }]",
      error: 'field rule not found in type rulefmt.RuleGroup; did you mean "rules"?',
    },
    { text: "groups: [{ rules: [] }]", error: "Groupname must not be empty" },
    { text: "groups: [{ name: g }, { name: g }]", error: 'groupname: "g" is repeated in the same file' },
    { text: "groups: [{ name: g, rules: [{ record: a }] }]", error: "field 'expr' must be set in rule" },
    { text: "groups: [{ name: g, rules: [{ expr: a }] }]", error: "one of 'record' or 'alert' must be set" },
    {
      text: "groups: [{ name: g, rules: [{ record: a, alert: b, expr: a }] }]",
      error: "only one of 'record' and 'alert' must be set",
    },
    { text: "groups: [{ name: g, rules: [{ record: 'a b', expr: a }] }]", error: "invalid recording rule name: a b" },
    {
      text: "groups: [{ name: g, rules: [{ record: a, expr: a, for: 1m }] }]",
      error: "invalid field 'for' in recording rule",
    },
    {
      text: "groups: [{ name: g, rules: [{ record: a, expr: 'a +' }] }]",
      error: "line 1: could not parse expression: ",
    },
    {
      text: "groups: [{ name: g, rules: [{ alert: a, expr: a, annotations: { x: '{{ nosuch }}' } }] }]",
      error: 'annotation "x": function "nosuch" not defined',
    },
  ];
  for (const { text, error } of bad) {
    test(error, () => expect(() => parseRuleFile(text, "rules.yml")).toThrow(error));
  }

  test("the shipped ones are valid and define every record name that operators know", async () => {
    const rules = resolve(import.meta.dirname, "../../../rules");
    const read = async (name: string) => parseRuleFile(await readFile(join(rules, name), "utf8"), name);
    const records = (await read("gatewayz-recording.yml")).flatMap((group) => group.rules.map(({ name }) => name));
    expect([...records].sort()).toMatchSnapshot();
    const alerts = (await read("gatewayz-alerts.yml")).flatMap((group) => group.rules.map(({ name }) => name));
    expect([...alerts].sort()).toMatchSnapshot();
  });
});
