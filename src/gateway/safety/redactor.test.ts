import fc from "fast-check";
import { expect, test } from "vitest";
import { RegexError } from "../../series/regex.ts";
import { Redactor } from "./redactor.ts";

const ALL = { keys: true, email: true, cards: true, patterns: [] };
const redactor = new Redactor({ rules: ALL, secrets: ["Tr0ub4dor&3-of-ours", undefined, "short"] });

const random = (length: number, alphabet = "aB3xK9mQ2pL7zR4tW8vN"): string =>
  Array.from({ length }, (_, index) => alphabet[(index * 7) % alphabet.length]).join("");

/** One made-up key of every vendor that we know, in its shape. */
const KEYS: readonly string[] = [
  `sk-${random(48)}`,
  `sk-proj-${random(60)}_${random(20)}`,
  `sk-svcacct-${random(60)}`,
  `sk-ant-api03-${random(90)}-AA`,
  `sk-or-v1-${"0123456789abcdef".repeat(4)}`,
  `gw_live_${random(43)}`,
  `gw_temp_${"0123456789abcdef".repeat(3)}`,
  `gsk_${random(52)}`,
  `xai-${random(80)}`,
  `pplx-${random(48)}`,
  `csk-${random(48, "abc123def456")}`,
  `fw_${random(22)}`,
  `tgp_v1_${random(43)}`,
  `nvapi-${random(64)}`,
  `r8_${random(37)}`,
  `hf_${random(34)}`,
  `dapi${"0123456789abcdef".repeat(2)}`,
  `AIza${random(35)}`,
  `ya29.${random(100)}`,
  `GOCSPX-${random(28)}`,
  "AKIAIOSFODNN7EXAMPLE",
  `ghp_${random(36)}`,
  `github_pat_${random(22)}_${random(59)}`,
  `glpat-${random(20)}`,
  `npm_${random(36)}`,
  `xoxb-${"1234567890".repeat(2)}-${random(24)}`,
  `SG.${random(22)}.${random(43)}`,
  `sk_live_${random(24)}`,
  `whsec_${random(32)}`,
  `lin_api_${random(40)}`,
  `shpat_${"0123456789abcdef".repeat(2)}`,
  `dop_v1_${"0123456789abcdef".repeat(4)}`,
  `hvs.${random(90)}`,
  `eyJ${random(30)}.eyJ${random(60)}.${random(40)}`,
  "Tr0ub4dor&3-of-ours",
];
test.each(KEYS)("a key goes: %s", (key) => {
  for (const text of [key, `my key is ${key}.`, `"${key}"`, `export KEY=${key}\n`, `(${key})`]) {
    const clean = redactor.text(text);
    expect(clean).not.toContain(key);
    expect(clean).not.toContain(key.slice(-12));
    expect(clean).toContain("<redacted");
  }
});

test.each([
  ["Authorization: Bearer abcdef123456", "Authorization: Bearer <redacted:secret>"],
  ["api_key = 'hunter2hunter2'", "api_key = '<redacted:secret>'"],
  ['{"password":"correct horse"}', '{"password":"<redacted:secret> horse"}'],
  ["postgres://app:s3cret@db/x", "postgres://app:<redacted:secret>@db/x"],
  ["-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- after", "<redacted:private-key>"],
])("a secret by its surroundings: %j", (text, clean) => {
  expect(redactor.text(text)).toContain(clean);
});

test.each([
  ["write to anna.lee+x@mail.example.com, please", "write to <redacted:email>, please"],
  ["a@b.co and c@d.org.", "<redacted:email> and <redacted:email>."],
  ["jürgen@müller.de", "<redacted:email>"],
  ["mailto:x@y.io?subject=1", "<redacted:email>?subject=1"],
])("an address goes: %j", (text, clean) => {
  // The scheme in front of an address may go with it.
  expect(redactor.text(text).replace("mailto:", "")).toBe(clean);
});

test.each([
  ["4111 1111 1111 1111", "<redacted:card>"],
  ["card 5500-0055-5555-5559 ok", "card <redacted:card> ok"],
  ["378282246310005", "<redacted:card>"],
  ["6011000990139424,", "<redacted:card>,"],
])("a card goes: %j", (text, clean) => {
  expect(redactor.text(text)).toBe(clean);
});

test.each([
  "The task-force met; risk-averse people stayed.",
  "4111 1111 1111 1112",
  "order 1234567890123456789012345",
  "1732485600000",
  "@decorator and user@localhost",
  "sk-learn is a library, sk-short too",
  "version 1.2.3-beta+exp.sha.5114f85",
  "const password = getPassword()",
  "uuid 123e4567-e89b-12d3-a456-426614174000",
])("an ordinary text stays: %j", (text) => {
  expect(redactor.text(text)).toBe(text);
});

test("values: every text, names too, base64 data by its size; the original stays", () => {
  const value = JSON.parse(
    `{"__proto__":"a@b.co","n":1,"list":[null,true,"x@y.zz"],"k@l.mm":{"u":"data:image/png;base64,${"A".repeat(400)}"}}`,
  );
  const before = JSON.stringify(value);
  const clean = redactor.value(value) as Record<string, unknown>;
  expect(JSON.stringify(clean)).toBe(
    '{"__proto__":"<redacted:email>","n":1,"list":[null,true,"<redacted:email>"],"<redacted:email>":{"u":"<data image/png, 422 characters>"}}',
  );
  expect(JSON.stringify(value)).toBe(before);
  expect(Object.getPrototypeOf(clean)).toBe(Object.prototype);
});

test("rules of one's own are RE2: linear, and wrong ones are told", () => {
  const own = new Redactor({
    rules: {
      keys: false,
      email: false,
      cards: false,
      patterns: [
        { name: "ticket", pattern: "T-\\d+" },
        { name: "bomb", pattern: "^(a+)+$" },
      ],
    },
    secrets: [],
  });
  expect(own.text("see T-123 of a@b.co")).toBe("see <redacted:ticket> of a@b.co");
  const start = performance.now();
  own.text(`${"a".repeat(50_000)}b`);
  expect(performance.now() - start).toBeLessThan(500);
  const wrong = { ...ALL, patterns: [{ name: "x", pattern: "(?=look)" }] };
  expect(() => new Redactor({ rules: wrong, secrets: [] })).toThrow(RegexError);
});

test("no text makes it slow", () => {
  const hostile = [
    "sk-",
    "eyJ",
    "a@",
    "@",
    "4",
    "4 ",
    "-----BEGIN PRIVATE KEY-----",
    "a://b:",
    "password=",
    "Bearer ",
    "eyJaaaaaaaaa.eyJ",
    "x".repeat(63),
    "a.a@a.",
  ];
  for (const part of hostile) {
    const text = part.repeat(Math.ceil(200_000 / part.length));
    const start = performance.now();
    redactor.text(text);
    expect(performance.now() - start, JSON.stringify(part)).toBeLessThan(1_000);
  }
});

test("whatever surrounds it, a key does not survive; what is clean stays clean", () => {
  const key = `sk-ant-api03-${random(80)}`;
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      expect(redactor.text(`${before} ${key} ${after}`)).not.toContain(key);
      const once = redactor.text(before);
      expect(redactor.text(once)).toBe(once);
    }),
  );
});
