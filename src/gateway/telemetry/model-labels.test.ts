import { describe, expect, test } from "vitest";
import { MetricSet } from "./metric-set.ts";
import { ModelLabels } from "./model-labels.ts";
import { finishedAttempt, finishedRecord } from "./testing.ts";

function create() {
  const set = new MetricSet();
  const told: string[] = [];
  const labels = new ModelLabels(set, (model) => told.push(model));
  const limited = () =>
    set.counter("gatewayz_metric_series_limited_total").child("model_inference_requests_total").value;
  return { labels, told, limited };
}

const failed = (model: string) =>
  finishedRecord({
    attempts: [finishedAttempt(0, { model, result: "error" })],
    outcome: { ...finishedRecord().outcome!, statusCode: 404, model },
    cost: undefined,
  });

describe("which models are label values", () => {
  test("a name that only clients know is other, counted, and told once", () => {
    const { labels, told, limited } = create();
    expect(labels.ofRequest(failed("made-up-1"))).toEqual({ provider: "simulator", model: "other" });
    expect(labels.ofRequest(failed("made-up-2")).model).toBe("other");
    expect(limited()).toBe(2);
    expect(told).toEqual(["made-up-1"]);
  });

  test("one that has answered, has a price, or is in a list keeps its name, also when it fails later", () => {
    const { labels, limited } = create();
    expect(labels.ofRequest(finishedRecord()).model).toBe("gpt-4o-mini");
    expect(labels.ofRequest(failed("gpt-4o-mini")).model).toBe("gpt-4o-mini");
    const priced = { inputUsd: 0, outputUsd: 0, totalUsd: 0, defaultPricing: false };
    expect(labels.ofRequest({ ...failed("priced"), cost: priced }).model).toBe("priced");
    labels.knows = (provider, model) => provider === "simulator" && model === "listed";
    expect(labels.ofRequest(failed("listed")).model).toBe("listed");
    expect(limited()).toBe(0);
  });

  test("at most fifty names that no list has, however many answer; then still those of lists, a thousand in all", () => {
    const { labels, told } = create();
    labels.knows = (_provider, model) => model.startsWith("listed");
    const names = (prefix: string): Set<string> =>
      new Set(Array.from({ length: 1_100 }, (_, index) => labels.of("p", `${prefix}-${index}`, true)));
    expect(names("invented").size).toBe(51);
    expect(labels.of("p", "invented-0", false)).toBe("invented-0");
    expect(labels.of("p", "invented-50", true)).toBe("other");
    expect(names("listed").size).toBe(951);
    expect(told).toEqual(["invented-50"]);
  });

  test("a request that nobody was asked for is unknown, not other", () => {
    const { labels, limited } = create();
    const outcome = { ...finishedRecord().outcome!, provider: undefined, model: undefined };
    expect(labels.ofRequest(finishedRecord({ attempts: [], outcome, cost: undefined })).model).toBe("unknown");
    expect(limited()).toBe(0);
  });
});
