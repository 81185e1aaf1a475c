import fc from "fast-check";
import { test } from "vitest";
import { ConfigError } from "../../config/config-error.ts";
import { parseRuleFile } from "../rules/rule-file.ts";
import { parseConfig } from "./load-config.ts";

const WORDS = [
  "global",
  "scrape_configs",
  "job_name",
  "static_configs",
  "targets",
  "relabel_configs",
  "regex",
  "groups",
  "rules",
  "alert",
  "expr",
  "annotations",
  "{{ $value }}",
  "*a",
  "&a",
  "<<",
  "5s",
  "[",
  "]",
  "{",
  "}",
  ":",
  "-",
  "\n",
  "  ",
  "null",
  "1e999",
];

test("any text is a configuration and a rule file, or refused as one", () => {
  const text = fc.array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 5 })), { maxLength: 25 });
  fc.assert(
    fc.property(text, (parts) => {
      for (const parse of [() => parseConfig(parts.join(" "), "f", "/"), () => parseRuleFile(parts.join(" "), "f")]) {
        try {
          parse();
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      }
    }),
    { numRuns: 800, seed: 20_260_103 },
  );
});
