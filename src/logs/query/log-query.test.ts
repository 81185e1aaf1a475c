import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "../../languages/logql/parse.ts";
import { entry, openTestStore, stream } from "../testing.ts";
import { runLogQuery } from "./log-query.ts";
import { QueryRun } from "./query-run.ts";

const T0 = 1_795_000_000_000;

/** Queries, and which lines of stream `s` pass them. */
const FILTERS: [string, (line: string, name: string) => boolean][] = [
  ['{app="a"}', () => true],
  ['{app="a"} |= "b"', (line) => line.includes("b")],
  ['{app="a"} |= "ab" != "c"', (line) => line.includes("ab") && !line.includes("c")],
  ['{app="a"} |~ "a.b|cc"', (line) => /a.b|cc/.test(line)],
  ['{app="a"} | s="x"', (_, name) => name === "x"],
  ['{app="a", s=~"y|z"} |= "a"', (line, name) => name !== "x" && line.includes("a")],
  ['{app="a"} | copy=~".*b.*"', (line) => line.includes("b")],
];

const line = fc.string({ unit: fc.constantFrom("a", "b", "c", " "), minLength: 1, maxLength: 6 });
const pushed = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.constantFrom("x", "y", "z"), line), {
  maxLength: 60,
  selector: ([time]) => time,
});

test("log queries find what a plain filter over a sorted list finds: any filter, range, limit, direction, flushes", async () => {
  await fc.assert(
    fc.asyncProperty(
      pushed,
      fc.constantFrom(...FILTERS),
      fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 100, max: 201 })),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 30 }),
      async (entries, [query, passes], [from, to], limit, backward, perFlush) => {
        const own = await openTestStore();
        for (let index = 0; index < entries.length; index += perFlush) {
          for (const [time, name, text] of entries.slice(index, index + perFlush)) {
            await own.store.append([stream({ app: "a", s: name }, entry(T0 + time, text, { copy: text }))]);
          }
          if (index + perFlush < entries.length) await own.store.flush();
        }
        const expr = parse(query);
        if (expr.kind !== "log") throw new Error("not a log query");
        const range = { from: { ms: T0 + from, ns: 0 }, to: { ms: T0 + to, ns: 0 } };
        const streams = await runLogQuery(
          own.store,
          { expr, ...range, backward, limit, categorize: true },
          new QueryRun(new AbortController().signal),
        );
        const found = streams.flatMap(({ labels, hits }) =>
          hits.map(({ ms, line: text }) => [ms - T0, labels.get("s"), text] as const),
        );
        const expected = entries
          .filter(([time, name, text]) => time >= from && time < to && passes(text, name))
          .sort(([left], [right]) => (backward ? right - left : left - right))
          .slice(0, limit);
        const byTime = (list: readonly (readonly [number, string, string])[]) =>
          [...list].sort(([left], [right]) => left - right);
        expect(byTime(found)).toEqual(byTime(expected));
        for (const { hits } of streams) {
          const times = hits.map(({ ms }) => ms);
          expect(times).toEqual([...times].sort((left, right) => (backward ? right - left : left - right)));
        }
        await own.dispose();
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
