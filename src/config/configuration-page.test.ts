import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "./load.ts";
import { ROLE_NAMES } from "./roles.ts";
import { configSchema } from "./schema.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGES = [
  "README.md",
  ...["docs", "docs/reference"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
];

const workingDir = mkdtempSync(join(tmpdir(), "configuration-page-"));
afterAll(() => rmSync(workingDir, { recursive: true, force: true }));

/** The fenced YAML of a page with what stands behind the word `yaml`. */
function yamlBlocks(page: string): { note: string; text: string }[] {
  const markdown = readFileSync(join(ROOT, page), "utf8");
  return [...markdown.matchAll(/^```yaml *([^\n]*)\n([\s\S]*?)^```/gm)].map(([, note, text]) => ({
    note: note!.trim(),
    text: text!,
  }));
}

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

function merged(into: Tree, from: Tree): Tree {
  for (const [name, value] of Object.entries(from)) {
    const there = into[name];
    if (isTree(there) && isTree(value)) merged(there, value);
    else {
      expect(there, `${name} stands in two blocks`).toBeUndefined();
      into[name] = value;
    }
  }
  return into;
}

/** Dotted names of everything that has no parts. */
function leaves(value: unknown, path = ""): string[] {
  if (!isTree(value) || Object.keys(value).length === 0) return [path];
  return Object.entries(value).flatMap(([name, part]) => leaves(part, path === "" ? name : `${path}.${name}`));
}

describe("every YAML example of the documentation is a valid gatewayz.yaml", () => {
  for (const page of PAGES) {
    for (const [index, { text }] of yamlBlocks(page).entries()) {
      test(`${page}, block ${index + 1}`, () => {
        const configFile = join(workingDir, `${page.replaceAll("/", "-")}-${index}.yaml`);
        writeFileSync(configFile, text);
        const load = () =>
          loadConfig({ configFile, environment: {}, workingDir, installDir: ROOT, readOnly: true, roles: ROLE_NAMES });
        expect(load).not.toThrow();
      });
    }
  }
});

test("docs/configuration.md shows every field that has a default, with that default", () => {
  const shown = yamlBlocks("docs/configuration.md")
    .filter(({ note }) => note === "defaults")
    .reduce((sum, { text }) => merged(sum, parse(text) as Tree), {} as Tree);
  expect(leaves(shown).sort()).toEqual(leaves(configSchema.parse({})).sort());
  expect(configSchema.parse(shown)).toEqual(configSchema.parse({}));
});
