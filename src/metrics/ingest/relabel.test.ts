// biome-ignore-all lint/suspicious/noTemplateCurlyInString: "${1}" is the syntax of the rules under test
import { describe, expect, test } from "vitest";
import { parseConfig } from "../config/load-config.ts";
import { relabel } from "./relabel.ts";

/** Applies rules written as in a configuration file; undefined when the labels were dropped. */
function apply(rules: string[], labels: Record<string, string>): Record<string, string> | undefined {
  const text = `scrape_configs: [{ job_name: a, relabel_configs: [${rules.join(", ")}] }]`;
  const map = new Map(Object.entries(labels));
  const isKept = relabel(map, parseConfig(text, "test", "/").scrapeConfigs[0]!.relabelRules);
  return isKept ? Object.fromEntries(map) : undefined;
}

describe("every action", () => {
  const cases: {
    name: string;
    rules: string[];
    labels: Record<string, string>;
    result: Record<string, string> | undefined;
  }[] = [
    {
      name: "replace with groups, joined sources and ${n}",
      rules: ["{source_labels: [a, b], regex: 'f(.*);(.*)r', target_label: c, replacement: '${1}-$2'}"],
      labels: { a: "foo", b: "bar" },
      result: { a: "foo", b: "bar", c: "oo-ba" },
    },
    {
      name: "replace that does not match changes nothing",
      rules: ["{source_labels: [a], regex: x, target_label: c}"],
      labels: { a: "foo" },
      result: { a: "foo" },
    },
    {
      name: "replace matches the whole value only",
      rules: ["{source_labels: [a], regex: fo, target_label: c}"],
      labels: { a: "foo" },
      result: { a: "foo" },
    },
    {
      name: "replace by nothing removes the label",
      rules: ["{source_labels: [a], regex: '.*', target_label: a, replacement: ''}"],
      labels: { a: "foo", b: "x" },
      result: { b: "x" },
    },
    {
      name: "replace takes a target name from a group, and a name that is none is left out",
      rules: [
        "{source_labels: [a], regex: '(.*)', target_label: 'x_$1', replacement: y}",
        "{source_labels: [b], regex: '(.*)', target_label: '$1', replacement: y}",
      ],
      labels: { a: "foo", b: "1-2" },
      result: { a: "foo", b: "1-2", x_foo: "y" },
    },
    {
      name: "named groups, $$ and unknown groups",
      rules: ["{source_labels: [a], regex: '(?P<head>.)(.*)', target_label: c, replacement: '${head}|$2|$$|$9|'}"],
      labels: { a: "foo" },
      result: { a: "foo", c: "f|oo|$||" },
    },
    {
      name: "keep",
      rules: ["{action: keep, source_labels: [a], regex: 'f.*'}"],
      labels: { a: "foo" },
      result: { a: "foo" },
    },
    {
      name: "keep drops others",
      rules: ["{action: keep, source_labels: [a], regex: 'f.*'}"],
      labels: { a: "bar" },
      result: undefined,
    },
    {
      name: "drop",
      rules: ["{action: drop, source_labels: [a], regex: 'f.*'}"],
      labels: { a: "foo" },
      result: undefined,
    },
    {
      name: "drop with a line break in the value",
      rules: ["{action: drop, source_labels: [a], regex: 'f.*'}"],
      labels: { a: "f\no" },
      result: undefined,
    },
    {
      name: "keepequal",
      rules: ["{action: keepequal, source_labels: [a], target_label: b}"],
      labels: { a: "1", b: "2" },
      result: undefined,
    },
    {
      name: "dropequal",
      rules: ["{action: dropequal, source_labels: [a], target_label: b}"],
      labels: { a: "1", b: "1" },
      result: undefined,
    },
    {
      // The value is from Prometheus' own test of this action.
      name: "hashmod",
      rules: ["{action: hashmod, source_labels: [c], target_label: d, separator: ';', modulus: 1000}"],
      labels: { a: "foo", b: "bar", c: "baz" },
      result: { a: "foo", b: "bar", c: "baz", d: "976" },
    },
    {
      name: "labelmap",
      rules: ["{action: labelmap, regex: 'meta_(.+)'}"],
      labels: { meta_a: "1", b: "2" },
      result: { meta_a: "1", b: "2", a: "1" },
    },
    {
      name: "labeldrop",
      rules: ["{action: labeldrop, regex: 'b.*'}"],
      labels: { a: "1", b1: "2" },
      result: { a: "1" },
    },
    {
      name: "labelkeep",
      rules: ["{action: labelkeep, regex: 'b.*'}"],
      labels: { a: "1", b1: "2" },
      result: { b1: "2" },
    },
    {
      name: "lowercase and uppercase",
      rules: [
        "{action: lowercase, source_labels: [a], target_label: b}",
        "{action: uppercase, source_labels: [a], target_label: c}",
      ],
      labels: { a: "fOo" },
      result: { a: "fOo", b: "foo", c: "FOO" },
    },
  ];
  for (const { name, rules, labels, result } of cases) {
    test(name, () => expect(apply(rules, labels)).toEqual(result));
  }
});
