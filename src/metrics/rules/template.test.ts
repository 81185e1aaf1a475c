import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Labels } from "../../series/labels.ts";
import { Template, type TemplateData } from "./template.ts";
import { TemplateError } from "./template-parse.ts";

const DATA: TemplateData = {
  labels: Labels.fromRecord({ job: "api", instance: "host.example.com:9090" }),
  externalLabels: Labels.fromRecord({ cluster: "eu" }),
  externalUrl: "http://localhost:9090",
  value: 0.12345678,
  query: async (expression) => {
    if (expression !== "up") return [];
    return [
      { Labels: new Map([["job", "b"]]), Value: 1 },
      { Labels: new Map([["job", "a"]]), Value: 2 },
    ];
  },
};

describe("expansion", () => {
  const cases: [string, string, number?][] = [
    ["plain", "plain"],
    ["{{ $labels.job }} at {{ $value }}", "api at 0.12345678"],
    ["{{ $value }}", "1e+06", 1_000_000],
    ["{{ $value }}", "123456", 123_456],
    ["{{.Labels.job}}{{.Value}}{{.ExternalLabels.cluster}}", "api0.12345678eu"],
    ["{{ $externalLabels.cluster }} {{ $externalURL }}", "eu http://localhost:9090"],
    ["{{ $labels.absent }}|", "|"],
    ["{{ $value | humanizePercentage }}", "12.35%"],
    ["{{ humanizePercentage 0.005 }}", "0.5%"],
    ["{{ $value | humanize }}", "1.235M", 1_234_567],
    ["{{ $value | humanize }}", "12m", 0.012],
    ["{{ $value | humanize }}", "0", 0],
    ["{{ $value | humanize1024 }}", "1.177Mi", 1_234_567],
    ["{{ $value | humanizeDuration }}", "1d 10h 17m 36s", 123_456],
    ["{{ $value | humanizeDuration }}", "1m 1s", 61.5],
    ["{{ $value | humanizeDuration }}", "5.25s", 5.25],
    ["{{ $value | humanizeDuration }}", "12ms", 0.012],
    ["{{ $value | humanizeDuration }}", "-1h 0m 0s", -3_600],
    ["{{ $value | humanizeTimestamp }}", "2016-08-04 07:06:40 +0000 UTC", 1_470_294_400],
    ['{{ printf "%.2f" $value }}', "0.12"],
    ['{{ printf "%s is %5.1f|%-5s|%03d%%" $labels.job $value "x" 7 }}', "api is   0.1|x    |007%"],
    ['{{ $value | printf "%.1f" }}', "0.1"],
    ['{{ printf "%d" $value }}', "%!d(float64=0.12345678)"],
    ["{{ $labels.instance | stripPort }} {{ stripDomain $labels.instance }}", "host.example.com host:9090"],
    ["{{ title $labels.job }}{{ toUpper `x` }}{{ toLower `Y` }}", "ApiXy"],
    ['{{ reReplaceAll "(.*):.*" "$1" $labels.instance }}', "host.example.com"],
    ["{{ if gt $value 0.1 }}high{{ else }}low{{ end }}", "high"],
    ['{{ if eq $labels.job "x" }}1{{ else if match "^a" $labels.job }}2{{ else }}3{{ end }}', "2"],
    ["{{ if and (gt $value 1.0) true }}a{{ else }}b{{ end }}", "b"],
    ["{{ with $labels.absent }}x{{ else }}none{{ end }}", "none"],
    ['a {{- " b " -}} c', "a b c"],
    ["{{/* a comment */}}x", "x"],
    ["{{ $x := $value }}{{ $x }}", "0.12345678"],
    ['{{ range query "up" }}{{ .Labels.job }}={{ .Value }};{{ end }}', "b=1;a=2;"],
    ['{{ range $i, $s := query "up" | sortByLabel "job" }}{{ $i }}{{ label "job" $s }}{{ end }}', "0a1b"],
    ['{{ with query "up" }}{{ . | first | value }}{{ end }}', "1"],
    ['{{ query "none" | first | value }}', "<error expanding template: first() called on vector with no elements>"],
    ["{{ humanize $labels.job }}", '<error expanding template: can\'t convert "api" to float>'],
    ['{{ "}}" }}', "}}"],
  ];
  for (const [text, result, value] of cases) {
    test(text, async () =>
      expect(await new Template(text).expand({ ...DATA, value: value ?? DATA.value })).toBe(result),
    );
  }
});

describe("what is no template", () => {
  for (const text of [
    "{{ $value",
    "{{ nosuch $value }}",
    "{{ if $value }}x",
    "{{ end }}",
    "{{ ( $value }}",
    "{{ $value | 3 }}",
    "{{ template `x` }}",
    "{{ % }}",
    `${"{{ if true }}".repeat(40)}`,
  ]) {
    test(text.slice(0, 30), () => expect(() => new Template(text)).toThrow(TemplateError));
  }
});

test("an output without end is cut off", async () => {
  const text = `{{ printf "%900d" 1 }}`.repeat(100);
  expect(await new Template(text).expand(DATA)).toContain("output is longer than");
});

test("any text is a template or refused as one, and expands without throwing", async () => {
  const words = fc.constantFrom(
    "{{",
    "}}",
    "$value",
    "if",
    "end",
    "else",
    "range",
    "|",
    "humanize",
    "(",
    ")",
    ".",
    '"',
    "-",
    "$x",
    ":=",
    " ",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(words, fc.string({ maxLength: 3 })), { maxLength: 20 }), async (parts) => {
      let template: Template;
      try {
        template = new Template(parts.join(" "));
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        return;
      }
      await template.expand(DATA);
    }),
    { numRuns: 1_500, seed: 20_260_107 },
  );
});
