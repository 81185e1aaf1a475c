import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Files that one pattern may match. */
const FILES_PER_PATTERN_MAX = 1_000;

/** The files that a pattern names; only its last part may hold `*`. A pattern that matches nothing is no error. */
export async function expandGlob(pattern: string): Promise<string[]> {
  const name = basename(pattern);
  if (!name.includes("*") && !name.includes("?")) {
    return (await stat(pattern).catch(() => undefined)) === undefined ? [] : [pattern];
  }
  const source = name
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  const matcher = new RegExp(`^${source}$`);
  const names = await readdir(dirname(pattern)).catch((): string[] => []);
  return names
    .filter((candidate) => matcher.test(candidate))
    .sort()
    .slice(0, FILES_PER_PATTERN_MAX)
    .map((candidate) => join(dirname(pattern), candidate));
}
