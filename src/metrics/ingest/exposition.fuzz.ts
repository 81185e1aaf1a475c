import fc from "fast-check";
import { expect, test } from "vitest";
import { Entry, type ExpositionFormat, ExpositionParser } from "./exposition-parser.ts";
import { ExpositionError } from "./parse-error.ts";

const RUNS = 1_500;
const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,12}$/);
const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/);
const text = fc.string({ unit: "grapheme", maxLength: 20 });
const series = fc.record({
  name,
  labels: fc.uniqueArray(fc.tuple(labelName, text), { maxLength: 5, selector: ([label]) => label }),
  value: fc.double(),
  timestampMs: fc.option(fc.nat(), { nil: undefined }),
});

function escapeText(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function write(value: number): string {
  return Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
}

for (const format of ["text", "openmetrics"] as const) {
  test(`${format}: what is written is read back exactly, with and without the expected series`, () => {
    fc.assert(
      fc.property(fc.array(series, { maxLength: 8 }), fc.boolean(), (list, isGuessing) => {
        const lines = list.map(({ name, labels, value, timestampMs }) => {
          const inner = labels.map(([label, labelText]) => `${label}="${escapeText(labelText)}"`).join(",");
          const time = timestampMs === undefined ? "" : ` ${format === "text" ? timestampMs : timestampMs / 1_000}`;
          return { raw: inner === "" ? name : `${name}{${inner}}`, rest: ` ${write(value)}${time}\n` };
        });
        const body = lines.map(({ raw, rest }) => raw + rest).join("") + (format === "text" ? "" : "# EOF\n");
        const parser = new ExpositionParser(Buffer.from(body), format);
        for (const [index, { name, labels, value, timestampMs }] of list.entries()) {
          const guess = isGuessing ? Buffer.from(lines[index]!.raw) : undefined;
          expect(parser.next(guess)).toBe(Entry.Series);
          if (isGuessing) expect(parser.isExpected).toBe(true);
          else expect(parser.labels()).toEqual([["__name__", name], ...labels]);
          // Text cannot tell the two zeros apart in all writers; JavaScript writes both as 0.
          expect(parser.value).toEqual(value === 0 ? 0 : value);
          if (timestampMs === undefined) expect(parser.timestampMs).toBeNaN();
          else expect(Math.abs(parser.timestampMs - timestampMs)).toBeLessThanOrEqual(format === "text" ? 0 : 1);
        }
        expect(parser.next()).toBe(Entry.End);
      }),
      { numRuns: 300, seed: 20_260_101 },
    );
  });
}

/** Bytes that look like a body more often than chance. */
const bodyBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "a",
        'b{x="y"}',
        " 1",
        " # {",
        "}",
        "\n",
        "# TYPE ",
        "# HELP ",
        "# EOF",
        "\\",
        '"',
        "{",
        ",",
        "=",
      ),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.from(parts.join(""), "latin1"));

test("any bytes are parsed or refused, never looped on and never a crash", () => {
  fc.assert(
    fc.property(bodyBytes, fc.constantFrom<ExpositionFormat>("text", "openmetrics"), (bytes, format) => {
      const parser = new ExpositionParser(bytes, format);
      try {
        let entries = 0;
        for (let entry = parser.next(); entry !== Entry.End; entry = parser.next()) {
          if (entry === Entry.Series) parser.labels();
          expect(++entries).toBeLessThanOrEqual(bytes.length);
        }
      } catch (error) {
        if (!(error instanceof ExpositionError)) throw error;
      }
    }),
    { numRuns: RUNS, seed: 20_260_102 },
  );
});
