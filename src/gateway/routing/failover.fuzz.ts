import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CALLS_MAX } from "../limits.ts";
import { type FixtureProvider, OPENAI_COMPLETION, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

/** In the order of the default chain. */
const NAMES = ["cerebras", "fireworks", "together"] as const;
type Name = (typeof NAMES)[number];

const FAILOVER = new Set([401, 402, 403, 404, 502, 503, 504, 529]);
const RETRYABLE = new Set([502, 503, 504, 529]);
const RETRIES_MAX = 2;

let fixture: FixtureProvider;
let gateway: TestGateway;
/** Statuses that a provider answers with, one call after the other; the last one stays. */
let script: Record<Name, number[]>;

beforeAll(async () => {
  fixture = await startFixtureProvider(({ path }, reply) => {
    const name = path.split("/")[1] as Name;
    const status = script[name].length > 1 ? script[name].shift()! : script[name][0]!;
    reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(OPENAI_COMPLETION));
  });
  gateway = await startTestGateway({
    gateway: {
      providers: Object.fromEntries(NAMES.map((name) => [name, { baseUrl: `${fixture.url}/${name}`, models: ["m"] }])),
      retries: { max: RETRIES_MAX, delay: "0s", delayMax: "0s", budget: 1 },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await fixture.close();
});

/** What the contract and docs/routing.md say: who is asked, in order. Breakers that are open are passed over. */
function expected(scripts: Record<Name, number[]>, open: ReadonlySet<Name>): Name[] {
  const left = structuredClone(scripts);
  const asked: Name[] = [];
  const last = new Map<Name, number>();
  const call = (name: Name): number => {
    asked.push(name);
    const status = left[name].length > 1 ? left[name].shift()! : left[name][0]!;
    last.set(name, status);
    return status;
  };
  const all = open.size === NAMES.length;
  for (const name of NAMES) {
    if (open.has(name) && !(all && name === NAMES[0])) continue;
    const status = call(name);
    if (!FAILOVER.has(status)) return asked;
  }
  for (let retry = 0; retry < RETRIES_MAX; retry++) {
    const again = NAMES.find((name) => RETRYABLE.has(last.get(name) ?? 0) && !open.has(name));
    if (again === undefined || !FAILOVER.has(call(again))) break;
  }
  return asked;
}

test("whatever providers answer: exactly those are asked that should be, and the record tells the same", async () => {
  const status = fc.constantFrom(200, 400, 401, 402, 403, 404, 413, 429, 500, 502, 503, 504, 529);
  const statuses = fc.array(status, { minLength: 1, maxLength: 3 });
  const scripts = fc.record({ cerebras: statuses, fireworks: statuses, together: statuses });
  await fc.assert(
    fc.asyncProperty(scripts, fc.subarray([...NAMES]), async (answers, down) => {
      gateway.gateway.breakers.resetAll();
      gateway.gateway.routing.availability.resetAll();
      for (const name of down) for (let count = 0; count < 5; count++) gateway.gateway.breakers.of(name)!.count(false);
      fixture.seen.length = 0;
      script = structuredClone(answers);
      const reply = await gateway.post("/v1/chat/completions", {
        model: "m",
        messages: [{ role: "user", content: "x" }],
      });
      await reply.text();
      const record = await gateway.nextRecord();
      const asked = fixture.seen.map(({ path }) => path.split("/")[1]);
      expect(asked).toEqual(expected(answers, new Set(down)));
      expect(asked.length).toBeLessThanOrEqual(CALLS_MAX);
      const sent = record.attempts.filter(({ result }) => result !== "skipped");
      expect(sent.map(({ provider }) => provider)).toEqual(asked);
      expect(sent.every(({ result }) => result === "success" || result === "error")).toBe(true);
      expect(sent.filter(({ result }) => result === "success").length).toBe(reply.status === 200 ? 1 : 0);
      const skipped = record.attempts.filter(({ result }) => result === "skipped").map(({ provider }) => provider);
      for (const name of skipped) expect(down).toContain(name);
    }),
    { numRuns: 60, seed: 20_261_125 },
  );
});
