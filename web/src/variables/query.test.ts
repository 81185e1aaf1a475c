import { afterEach, expect, test, vi } from "vitest";
import { queryOptions } from "./query.ts";

const RANGE = { fromMs: 1_700_000_000_000, toMs: 1_700_000_900_000, raw: { from: "now-15m", to: "now" } };
const plain = (text: string) => text;
const source = (type: string) => ({ uid: "ds", name: "ds", type });

/** Answers every request with `data` and keeps the addresses. */
function stubFetch(body: unknown): string[] {
  const urls: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    urls.push(decodeURIComponent(url.replaceAll("+", " ")));
    return new Response(JSON.stringify(body));
  });
  return urls;
}

afterEach(() => vi.unstubAllGlobals());

const prometheus: [string, string][] = [
  ["label_values(up, job)", "/api/v1/label/job/values?start=1700000000&end=1700000900&match[]=up"],
  ["label_values(job)", "/api/v1/label/job/values?start=1700000000&end=1700000900"],
  [
    'label_values(up{a="x,y"}, instance)',
    '/api/v1/label/instance/values?start=1700000000&end=1700000900&match[]=up{a="x,y"}',
  ],
  ["label_names()", "/api/v1/labels?start=1700000000&end=1700000900"],
];
for (const [query, path] of prometheus) {
  test(`Prometheus: ${query}`, async () => {
    const urls = stubFetch({ data: ["a", "b"] });
    const options = await queryOptions(source("prometheus"), { query, refId: "A" }, RANGE, plain);
    expect(urls).toEqual([`/api/datasources/proxy/uid/ds${path}`]);
    expect(options.map((option) => option.value)).toEqual(["a", "b"]);
  });
}

test("Prometheus: query_result and metrics", async () => {
  stubFetch({ data: { resultType: "vector", result: [{ metric: { __name__: "up", job: "a" }, value: [1, "1"] }] } });
  expect(await queryOptions(source("prometheus"), "query_result(up)", RANGE, plain)).toEqual([
    { text: 'up{job="a"} 1 1000', value: 'up{job="a"} 1 1000' },
  ]);
  stubFetch({ data: ["node_cpu", "node_mem", "up"] });
  expect((await queryOptions(source("prometheus"), "metrics(node_.*)", RANGE, plain)).length).toBe(2);
});

test("Loki: objects and text", async () => {
  const urls = stubFetch({ data: ["INFO"] });
  await queryOptions(source("loki"), { type: 1, label: "level", stream: '{app="x"}' }, RANGE, plain);
  await queryOptions(source("loki"), 'label_values({app="x"}, level)', RANGE, plain);
  await queryOptions(source("loki"), { type: 0 }, RANGE, plain);
  expect(urls[0]).toBe(
    '/api/datasources/proxy/uid/ds/loki/api/v1/label/level/values?start=1700000000000000000&end=1700000900000000000&query={app="x"}',
  );
  expect(urls[1]).toBe(urls[0]);
  expect(urls[2]).toContain("/loki/api/v1/labels?");
});

test("Tempo: values of a tag", async () => {
  const urls = stubFetch({ tagValues: [{ type: "string", value: "gateway" }] });
  const options = await queryOptions(source("tempo"), { type: 1, label: "resource.service.name" }, RANGE, plain);
  expect(urls[0]).toContain("/api/v2/search/tag/resource.service.name/values");
  expect(options).toEqual([{ text: "gateway", value: "gateway" }]);
});

test("other sources say so", async () => {
  await expect(queryOptions(source("mysql"), "x", RANGE, plain)).rejects.toThrow('type "mysql"');
});
