import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { simulate } from "./answer.ts";
import { chooseFault } from "./faults.ts";
import { type Simulator, startSimulator } from "./index.ts";
import { profileOf, SIMULATED_PROVIDERS } from "./models.ts";
import { Random } from "./random.ts";
import { sampleOf } from "./schema-sample.ts";
import { SimulatorMemory } from "./serve.ts";
import { answerText, pieces } from "./text.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());

function post(provider: string, body: JsonObject): Promise<Response> {
  const { baseUrl, type } = simulator.providers[provider]!;
  const path = type === "openai" ? "/chat/completions" : "/v1/messages";
  return fetch(`${baseUrl}${path}`, { method: "POST", body: JSON.stringify(body) });
}

const messages = [{ role: "user", content: "Explain bloom filters" }];

test("every listed model has a profile, and only sim-flaky has faults", () => {
  for (const [name, { models, faulty }] of Object.entries(SIMULATED_PROVIDERS)) {
    for (const model of models) expect(profileOf(model), model).toBeDefined();
    expect(faulty === true, name).toBe(name === "sim-flaky");
  }
});

test("faults: some by themselves, and an outage every five minutes", () => {
  const faultsAt = (uptimeMs: number): number => {
    return Array.from({ length: 200 }, (_, seed) => chooseFault(uptimeMs, new Random(seed))).filter(Boolean).length;
  };
  expect(faultsAt(1_000)).toBeGreaterThan(20);
  expect(faultsAt(1_000)).toBeLessThan(100);
  expect(faultsAt(60_000)).toBe(200);
  expect(faultsAt(360_000)).toBe(200);
});

test("n choices are n different answers, whole and streamed", async () => {
  const body = { model: "llama-3.3-70b", messages, n: 3, max_tokens: 40 };
  const whole = (await (await post("groq", body)).json()) as { choices: { index: number; message: unknown }[] };
  expect(whole).toMatchObject({ usage: { completion_tokens: 120 } });
  expect(whole.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(new Set(whole.choices.map(({ message }) => JSON.stringify(message))).size).toBe(3);
  const stream = await (await post("groq", { ...body, max_tokens: 3, stream: true })).text();
  for (const index of [0, 1, 2]) expect(stream).toContain(`"index":${index},"delta":{}`);
});

test("JSON is answered where it is asked for, in both formats", async () => {
  const openai = { model: "llama-3.3-70b", messages, response_format: { type: "json_object" } };
  const chat = (await (await post("groq", openai)).json()) as { choices: { message: { content: string } }[] };
  expect(JSON.parse(chat.choices[0]!.message.content)).toHaveProperty("answer");
  const anthropic = { model: "claude-haiku-4-5", messages, max_tokens: 900, system: "Answer with one JSON object." };
  const message = (await (await post("anthropic", anthropic)).json()) as { content: { text: string }[] };
  expect(JSON.parse(message.content[0]!.text)).toHaveProperty("answer");
});

test("both wire formats answer over HTTP, whole and streamed, and say that they are simulated", async () => {
  const whole = await post("groq", { model: "llama-3.3-70b", messages, max_tokens: 20 });
  expect(whole.headers.get("x-gatewayz-simulated")).toBe("true");
  expect(await whole.json()).toMatchObject({
    choices: [{ finish_reason: "length" }],
    usage: { completion_tokens: 20 },
  });
  const chat = {
    model: "llama-3.3-70b",
    messages,
    max_tokens: 5,
    stream: true,
    stream_options: { include_usage: true },
  };
  const stream = await (await post("groq", chat)).text();
  expect(stream.match(/"content":"[^"]+"/g)).toHaveLength(5);
  expect(stream.endsWith("data: [DONE]\n\n")).toBe(true);
  const message = await post("anthropic", { model: "claude-haiku-4-5", messages, max_tokens: 5 });
  expect(await message.json()).toMatchObject({
    type: "message",
    stop_reason: "max_tokens",
    usage: { output_tokens: 5 },
  });
  const events = await (
    await post("anthropic", { model: "claude-haiku-4-5", messages, max_tokens: 5, stream: true })
  ).text();
  expect(events.match(/^event: .*$/gm)!.at(-1)).toBe("event: message_stop");
  const { baseUrl } = simulator.providers["openai"]!;
  expect(await (await fetch(`${baseUrl}/models`)).json()).toMatchObject({
    object: "list",
    data: expect.arrayContaining([expect.objectContaining({ id: "gpt-4o" })]),
  });
});

test("strangers are refused", async () => {
  expect((await post("groq", { model: "gpt-4o", messages })).status).toBe(404);
  const { baseUrl } = simulator.providers["groq"]!;
  expect((await fetch(`${baseUrl}/chat/completions`, { method: "POST", body: "{" })).status).toBe(400);
  expect((await fetch(baseUrl.replace("/groq", "/nobody"))).status).toBe(404);
});

const profile = profileOf("gpt-4o-mini")!;
const schema = {
  type: "object",
  properties: { city: { type: "string" }, unit: { enum: ["C", "F"] } },
  required: ["city"],
};
const tool = {
  type: "function",
  function: { name: "get_weather", description: "Weather of a city", parameters: schema },
};

test.each<[string, JsonObject, string[]]>([
  [
    "a forced function",
    { tools: [tool], tool_choice: { type: "function", function: { name: "get_weather" } } },
    ["get_weather"],
  ],
  ["required", { tools: [tool], tool_choice: "required" }, ["get_weather"]],
  [
    "Anthropic's forced tool",
    { tools: [{ name: "lookup", input_schema: schema }], tool_choice: { type: "tool", name: "lookup" } },
    ["lookup"],
  ],
  ["Anthropic's any", { tools: [{ name: "lookup", input_schema: schema }], tool_choice: { type: "any" } }, ["lookup"]],
  ["none", { tools: [tool], tool_choice: "none" }, []],
  [
    "a prompt that speaks of it",
    { tools: [tool], messages: [{ role: "user", content: "How is the weather in Oslo?" }] },
    ["get_weather"],
  ],
  [
    "two at once",
    { tools: [tool], messages: [{ role: "user", content: "Weather in Oslo and Rome?" }] },
    ["get_weather", "get_weather"],
  ],
  [
    "one at a time",
    { tools: [tool], parallel_tool_calls: false, messages: [{ role: "user", content: "Weather in Oslo and Rome?" }] },
    ["get_weather"],
  ],
  ["a prompt about something else", { tools: [tool] }, []],
])("tools: %s", (_name, body, names) => {
  const answer = simulate({ model: "m", messages, ...body }, profile, 1, false);
  expect(answer.toolCalls.map(({ name }) => name)).toEqual(names);
  expect(answer.finish === "tools").toBe(names.length > 0);
  for (const { input } of answer.toolCalls)
    expect(input).toMatchObject({ city: expect.any(String), unit: expect.stringMatching(/^[CF]$/) });
});

test("after a tool's result comes text that uses it; equal seeds give equal answers", () => {
  const body = {
    model: "m",
    messages: [...messages, { role: "tool", tool_call_id: "c", content: "42 degrees" }],
    tools: [tool],
  };
  const answer = simulate(body, profile, 3, false);
  expect(answer.textPieces.join("")).toContain("42 degrees");
  expect(simulate(body, profile, 3, false)).toEqual(answer);
  expect(simulate(body, profile, 4, false).textPieces).not.toEqual(answer.textPieces);
});

test("a long prompt that has come before counts as cached", () => {
  const body = { model: "m", messages: [{ role: "user", content: "word ".repeat(2_000) }] };
  expect(simulate(body, profile, 1, false).cachedTokens).toBe(0);
  expect(simulate(body, profile, 1, true).cachedTokens).toBeGreaterThan(1_000);
});

test("the simulator remembers prompt beginnings, but not without end", () => {
  const memory = new SimulatorMemory();
  const body = (text: string): JsonObject => ({ model: "m", messages: [{ role: "user", content: text }] });
  expect(memory.prefixSeen(body("a"))).toBe(false);
  expect(memory.prefixSeen(body("a"))).toBe(true);
  for (let count = 0; count < 600; count++) memory.prefixSeen(body(`other ${count}`));
  expect(memory.prefixSeen(body("a"))).toBe(false);
  expect([memory.next(), memory.next()]).toEqual([1, 2]);
});

test("texts are varied and near the length asked for; pieces join to the text", () => {
  const texts = Array.from({ length: 20 }, (_, seed) =>
    answerText("List three tips for better sleep", 120, new Random(seed)),
  );
  expect(new Set(texts).size).toBe(20);
  for (const text of texts) {
    expect(text).toContain("sleep");
    expect(pieces(text).join("")).toBe(text);
  }
});

test.each([
  ["What is 12 * 7?", /^12 \* 7 = 84\.$/],
  ["Hello there", /^Hello!/],
  ["What is the capital of France?", /the capital of France/],
  ["Please give me 5 tips for faster builds", /faster builds.*\n- /s],
  ["Write a SQL query for duplicates", /```sql\nSELECT/],
  ["Write a python function", /```python\ndef total\(values\):\n {4}/],
  ["", /this/],
])("the answer to %j fits", (prompt, expected) => {
  for (let seed = 0; seed < 10; seed++) expect(answerText(prompt, 120, new Random(seed))).toMatch(expected);
});

test("samples fit their schema", () => {
  const fits: [JsonObject, (value: unknown) => boolean][] = [
    [
      { type: "integer", minimum: 5, maximum: 7 },
      (value) => Number.isInteger(value) && Number(value) >= 5 && Number(value) <= 7,
    ],
    [{ type: "number", exclusiveMinimum: 0, maximum: 1 }, (value) => Number(value) > 0 && Number(value) <= 1],
    [{ type: "integer", multipleOf: 10, minimum: 1 }, (value) => Number(value) % 10 === 0 && Number(value) >= 1],
    [
      { type: "string", minLength: 30, maxLength: 40 },
      (value) => String(value).length >= 30 && String(value).length <= 40,
    ],
    [{ type: ["null", "boolean"] }, (value) => typeof value === "boolean"],
    [{ type: "array", minItems: 3, items: { type: "string" } }, (value) => Array.isArray(value) && value.length === 3],
    [{ anyOf: [{ const: 7 }, { type: "null" }] }, (value) => value === 7],
    [{ $ref: "#/$defs/a", $defs: { a: { enum: ["x"] } } }, (value) => value === "x"],
    [
      { allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }] },
      (value) => JSON.stringify(value) === '{"a":1,"b":2}',
    ],
    [{ type: "string", format: "date" }, (value) => /^\d{4}-\d\d-\d\d$/.test(String(value))],
  ];
  for (const [sampled, fitsIt] of fits) {
    for (let seed = 0; seed < 20; seed++)
      expect(fitsIt(sampleOf(sampled, new Random(seed), [])), JSON.stringify(sampled)).toBe(true);
  }
});

test("any schema, however odd or circular, gives a value in bounded time", () => {
  sampleOf({ $ref: "#" }, new Random(1), []);
  sampleOf({ type: "object", properties: { self: { $ref: "#" } } }, new Random(1), []);
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      JSON.stringify(sampleOf(value, new Random(1), ["Oslo"]));
    }),
  );
});
