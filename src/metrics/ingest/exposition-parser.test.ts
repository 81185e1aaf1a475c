import { describe, expect, test } from "vitest";
import { Entry, type ExpositionFormat, ExpositionParser } from "./exposition-parser.ts";

interface Sample {
  labels: Record<string, string>;
  value: number;
  timestampMs?: number;
  exemplar?: unknown;
}

function parse(text: string, format: ExpositionFormat = "text"): Sample[] {
  const parser = new ExpositionParser(Buffer.from(text), format);
  const samples: Sample[] = [];
  for (let entry = parser.next(); entry !== Entry.End; entry = parser.next()) {
    if (entry !== Entry.Series) continue;
    const sample: Sample = { labels: Object.fromEntries(parser.labels()), value: parser.value };
    if (!Number.isNaN(parser.timestampMs)) sample.timestampMs = parser.timestampMs;
    if (parser.exemplarStart >= 0) {
      const timestampMs = Number.isNaN(parser.exemplarMs) ? undefined : parser.exemplarMs;
      sample.exemplar = { labels: parser.exemplarLabels(), value: parser.exemplarValue, timestampMs };
    }
    samples.push(sample);
  }
  return samples;
}

function metadata(text: string, format: ExpositionFormat = "text"): string[] {
  const parser = new ExpositionParser(Buffer.from(text), format);
  const lines: string[] = [];
  for (let entry = parser.next(); entry !== Entry.End; entry = parser.next()) {
    if (entry !== Entry.Series && entry !== Entry.Comment) lines.push(`${entry} ${parser.metricName} ${parser.text}`);
  }
  return lines;
}

describe("text format", () => {
  const good: { name: string; text: string; samples: Sample[] }[] = [
    { name: "a bare name", text: "up 1\n", samples: [{ labels: { __name__: "up" }, value: 1 }] },
    { name: "no newline at the end", text: "up 1", samples: [{ labels: { __name__: "up" }, value: 1 }] },
    {
      name: "labels, blanks, a trailing comma and a time",
      text: 'a:b { x = "1" , y="2", } \t-1.5e3  1700000000123\n',
      samples: [{ labels: { __name__: "a:b", x: "1", y: "2" }, value: -1500, timestampMs: 1_700_000_000_123 }],
    },
    {
      name: "escapes, and an escape that is none",
      text: 'a{x="q\\"n\\nb\\\\c\\d",y="ü}{,"} 1\n',
      samples: [{ labels: { __name__: "a", x: 'q"n\nb\\c\\d', y: "ü}{," }, value: 1 }],
    },
    {
      name: "special values",
      text: "a NaN\nb +Inf\nc -inf\nd .5\ne 1.\n",
      samples: [
        { labels: { __name__: "a" }, value: Number.NaN },
        { labels: { __name__: "b" }, value: Number.POSITIVE_INFINITY },
        { labels: { __name__: "c" }, value: Number.NEGATIVE_INFINITY },
        { labels: { __name__: "d" }, value: 0.5 },
        { labels: { __name__: "e" }, value: 1 },
      ],
    },
    {
      name: "a name in quotes inside the braces",
      text: '{"http.status",code="200"} 3\n',
      samples: [{ labels: { __name__: "http.status", code: "200" }, value: 3 }],
    },
    {
      name: "comments, empty lines and a label named __proto__",
      text: '\n# just a comment\n#\n\na{__proto__="x"} 1\n',
      samples: [
        {
          labels: Object.fromEntries([
            ["__name__", "a"],
            ["__proto__", "x"],
          ]),
          value: 1,
        },
      ],
    },
    {
      name: "bucket bounds and quantiles as floats, as Prometheus 3 stores them",
      text: '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="0.5"} 1\nh_bucket{le="1000000"} 1\nh_bucket{le="+Inf"} 1\n# TYPE g gauge\ng{le="1"} 1\n',
      samples: [
        { labels: { __name__: "h_bucket", le: "1.0" }, value: 1 },
        { labels: { __name__: "h_bucket", le: "0.5" }, value: 1 },
        { labels: { __name__: "h_bucket", le: "1e+06" }, value: 1 },
        { labels: { __name__: "h_bucket", le: "+Inf" }, value: 1 },
        { labels: { __name__: "g", le: "1" }, value: 1 },
      ],
    },
  ];
  for (const { name, text, samples } of good) {
    test(name, () => expect(parse(text)).toEqual(samples));
  }

  test("metadata lines", () => {
    expect(
      metadata("# HELP a some \\\\ text\\nmore\n# TYPE a counter\n# TYPE b untyped\n# HELP c\n# UNIT d s\n"),
    ).toEqual([
      `${Entry.Help} a some \\ text\nmore`,
      `${Entry.Type} a counter`,
      `${Entry.Type} b unknown`,
      `${Entry.Help} c `,
    ]);
  });

  const bad = [
    { text: "a\n", error: "expected value after metric" },
    { text: 'a{b="1" 1\n', error: "expected label name" },
    { text: "a{b='c'} 1\n", error: "expected label value" },
    { text: "a{b} 1\n", error: "expected equal" },
    { text: 'a{b="c} 1\n', error: "expected label value" },
    { text: "a 1 2 3\n", error: "expected next entry after timestamp" },
    { text: "a 1 1.5\n", error: "expected next entry after timestamp" },
    { text: "a 1 x\n", error: "expected timestamp or new record" },
    { text: "a 0x1p4\n", error: "unsupported character in float" },
    { text: "a 1_0\n", error: "unsupported character in float" },
    { text: "a 1e999\n", error: "value out of range" },
    { text: "a one\n", error: 'strconv.ParseFloat: parsing "one": invalid syntax while parsing: "a one"' },
    { text: "9a 1\n", error: "expected a valid start token" },
    { text: '{b="c"} 1\n', error: "metric name not set while parsing" },
    { text: 'a{"b"} 1\n', error: "metric name already set while parsing" },
    { text: "# TYPE a thing\n", error: 'invalid metric type "thing"' },
    { text: "# TYPE 1 counter\n", error: "expected metric name after TYPE" },
  ];
  for (const { text, error } of bad) {
    test(`refuses ${JSON.stringify(text)}`, () => expect(() => parse(text)).toThrow(error));
  }

  test("refuses label values and help texts that are no UTF-8", () => {
    const value = Buffer.concat([Buffer.from('a{b="'), Buffer.from([0xff]), Buffer.from('"} 1\n')]);
    expect(() => new ExpositionParser(value, "text").next()).toThrow("invalid UTF-8 label value");
    const help = Buffer.concat([Buffer.from("# HELP a "), Buffer.from([0xc3]), Buffer.from("\n")]);
    expect(() => new ExpositionParser(help, "text").next()).toThrow("is not a valid utf8 string");
  });
});

describe("OpenMetrics", () => {
  test("times in seconds, exemplars with and without a time", () => {
    const text =
      'a_total{x="1"} 3 1520879607.789 # {trace_id="abc"} 0.5 1520879607.1\nb_bucket{le="1"} 2 # {trace_id="d",span_id="e"} 1.5\n# EOF\n';
    expect(parse(text, "openmetrics")).toEqual([
      {
        labels: { __name__: "a_total", x: "1" },
        value: 3,
        timestampMs: 1_520_879_607_789,
        exemplar: { labels: [["trace_id", "abc"]], value: 0.5, timestampMs: 1_520_879_607_100 },
      },
      {
        labels: { __name__: "b_bucket", le: "1" },
        value: 2,
        exemplar: {
          labels: [
            ["trace_id", "d"],
            ["span_id", "e"],
          ],
          value: 1.5,
          timestampMs: undefined,
        },
      },
    ]);
  });

  test("types of its own, and units", () => {
    const text = "# TYPE a info\n# TYPE b_seconds gaugehistogram\n# UNIT b_seconds seconds\n# HELP a some\n# EOF";
    expect(metadata(text, "openmetrics")).toEqual([
      `${Entry.Type} a info`,
      `${Entry.Type} b_seconds gaugehistogram`,
      `${Entry.Unit} b_seconds seconds`,
      `${Entry.Help} a some`,
    ]);
  });

  const bad = [
    { text: "a 1\n", error: "data does not end with # EOF" },
    { text: "a 1", error: "data does not end with # EOF" },
    { text: "", error: "data does not end with # EOF" },
    { text: "a 1\n# EOF\nb 1\n", error: "unexpected data after # EOF" },
    { text: "\na 1\n# EOF\n", error: "expected a valid start token" },
    { text: "# hello\n# EOF\n", error: "expected a valid start token" },
    { text: "# UNIT a seconds\n# EOF\n", error: 'unit "seconds" not a suffix of metric "a"' },
    { text: "# TYPE a untyped\n# EOF\n", error: 'invalid metric type "untyped"' },
    { text: "a 1 NaN\n# EOF\n", error: "invalid timestamp NaN" },
    { text: 'a{x="1" y="2"} 1\n# EOF\n', error: "expected" },
    { text: 'a 1 # {x="1"}\n# EOF\n', error: "expected value after exemplar labels" },
    { text: "a 1 # x\n# EOF\n", error: "expected timestamp or comment" },
  ];
  for (const { text, error } of bad) {
    test(`refuses ${JSON.stringify(text)}`, () => expect(() => parse(text, "openmetrics")).toThrow(error));
  }
});

describe("the expected series", () => {
  test("is taken without parsing, and a longer name or a brace behind it is not mistaken for it", () => {
    const parser = new ExpositionParser(Buffer.from('foo 1\nfoo_bar 2\nfoo {a="b"} 3\nfoo\t4\n'), "text");
    const seen: [boolean, number][] = [];
    for (let entry = parser.next(Buffer.from("foo")); entry !== Entry.End; entry = parser.next(Buffer.from("foo"))) {
      seen.push([parser.isExpected, parser.value]);
    }
    expect(seen).toEqual([
      [true, 1],
      [false, 2],
      [false, 3],
      [true, 4],
    ]);
  });
});
