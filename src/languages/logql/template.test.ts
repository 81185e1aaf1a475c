import { expect, test } from "vitest";
import { compileTemplate } from "./template.ts";

const LABELS: Readonly<Record<string, string>> = {
  a: "Hello",
  n: "12.5",
  d: "1m30s",
  j: '{"x":[1,{"y":"z"}]}',
  s: "  pad  ",
  path: "/v1/chat/1234",
};

function render(template: string): string {
  return compileTemplate(template).render({
    line: "the line",
    timestampMs: Date.UTC(2026, 0, 2, 3, 4, 5, 67),
    get: (name) => LABELS[name] ?? "",
    names: () => Object.keys(LABELS),
  });
}

const cases: [string, string][] = [
  ["plain", "plain"],
  ["{{.a}} {{ .missing }}|", "Hello |"],
  ['{{__line__}} {{__timestamp__ | date "2006-01-02T15:04:05.000Z07:00"}}', "the line 2026-01-02T03:04:05.067Z"],
  ['{{ .a | ToUpper }}{{ lower .a }}{{ title "ab cd" }}', "HELLOhelloAb Cd"],
  ['{{ Replace .a "l" "L" 1 }} {{ .a | replace "l" "L" }}', "HeLlo HeLLo"],
  [
    '[{{ trim .s }}] [{{ .s | trimAll " p" }}] [{{ trimPrefix "He" .a }}{{ trimSuffix "lo" .a }}]',
    "[pad] [ad] [lloHel]",
  ],
  ["{{ trunc 2 .a }}{{ trunc -2 .a }} {{ substr 1 3 .a }}", "Helo el"],
  [
    '{{ if contains "ell" .a }}y{{ else }}n{{ end }}{{ if hasPrefix "x" .a }}y{{ else if hasSuffix "o" .a }}e{{ else }}n{{ end }}',
    "ye",
  ],
  [
    '{{ if and .a (eq .n "12.5") }}both{{ end }}{{ if or .missing .a }} one{{ end }}{{ if not .missing }} none{{ end }}',
    "both one none",
  ],
  [
    '{{ with .a }}<{{.}}>{{ end }}{{ range $i, $v := fromJson "[\\"p\\",\\"q\\"]" }}{{$i}}{{$v}}{{ end }}',
    "<Hello>0p1q",
  ],
  ['{{ $j := fromJson .j }}{{ index $j "x" 1 "y" }}{{ range (fromJson .j).x }}.{{ end }}', "z.."],
  [
    "{{ add 1 2 }} {{ sub 5 3 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 4 }} {{ mulf .n 2 }} {{ divf 1 4 }} {{ max 1 5 3 }}",
    "3 2 6 3 3 25 0.25 5",
  ],
  ["{{ int .n }} {{ float64 .n }} {{ round 3.14159 2 }} {{ ceil 1.2 }} {{ floor 1.8 }}", "12 12.5 3.14 2 1"],
  ['{{ duration .d }} {{ bytes "2KB" }}', "90 2000"],
  ['{{ printf "%s|%5d|%-4s|%.2f|%q|%x" .a 42 "x" (float64 .n) "q" 255 }}', 'Hello|   42|x   |12.50|"q"|ff'],
  [
    '{{ regexReplaceAll "/v1/(\\\\w+)/\\\\d+" .path "$1/{id}" }} {{ regexReplaceAllLiteral "\\\\d" .path "$" }} {{ count "\\\\d" .path }}',
    "chat/{id} /v$/chat/$$$$ 5",
  ],
  ["{{ alignLeft 7 .a }}|{{ alignRight 7 .a }}|{{ alignRight 3 .a }}", "Hello  |  Hello|llo"],
  [
    '{{ .missing | default "-" }} {{ b64enc .a }} {{ b64dec "SGk=" }} {{ urlencode "a b&" }} {{ urldecode "a+b%26" }}',
    "- SGVsbG8= Hi a+b%26 a b&",
  ],
  [
    '{{ unixEpoch (toDate "2006-01-02" "2026-01-02") }} {{ indent 2 "a\\nb" }} {{ repeat 3 "ab" }}',
    "1767312000   a\n  b ababab",
  ],
  ["a {{- /* gone */ -}} b {{- .a -}} c", "abHelloc"],
  ['{{ len .a }} {{ print 1 "a" }} {{ lt 1 2 }} {{ ge "b" "a" }}', "5 1a true true"],
];
for (const [template, expected] of cases) {
  test(`renders ${template}`, () => expect(render(template)).toBe(expected));
}

const bad: [string, RegExp][] = [
  ["{{ .a", /unclosed action/],
  ["{{ nope }}", /function "nope" not defined/],
  ["{{ if .a }}x", /unexpected EOF/],
  ["{{ end }}", /unexpected {{end}}/],
  ["{{ }}", /missing value for command/],
  ["{{ (lower .a }}", /unclosed left paren/],
  ["{{ . | }}", /missing value for command/],
];
for (const [template, message] of bad) {
  test(`refuses ${template}`, () => expect(() => compileTemplate(template)).toThrow(message));
}

test("nothing a template does grows without end", () => {
  expect(() => render('{{ repeat 99999999 "x" }}')).toThrow(/repeat makes more than/);
  expect(() => render('{{ range $a := fromJson "[1,1,1,1,1,1]" }}{{ repeat 250000 "x" }}{{ end }}')).toThrow(
    /longer than/,
  );
  expect(() => compileTemplate(`${"{{ if .a }}".repeat(100)}${"{{ end }}".repeat(100)}`)).toThrow(/nests deeper/);
});
