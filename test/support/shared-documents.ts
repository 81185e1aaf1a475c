import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "./stack.ts";

/** Test data that nobody here wrote; never part of the project. */
export const CONFORMANCE_DIR = resolve(ROOT, process.env["GATEWAYZ_CONFORMANCE_DIR"] ?? "../shared/conformance");

/** The deployment guide in its user's words, or undefined where it is absent. */
export function originalGuide(): string | undefined {
  const path = join(CONFORMANCE_DIR, "../GUIDE.md");
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/** The fenced blocks of one language, in order, each with the heading above it. */
export function codeBlocks(markdown: string, language: string): { heading: string; code: string }[] {
  const blocks: { heading: string; code: string }[] = [];
  let heading = "";
  const pattern = /^#{1,6} (.+)$|^([ ]*)```(\w*)[^\n]*\n([\s\S]*?)^\2```/gm;
  for (const match of markdown.matchAll(pattern)) {
    if (match[1] !== undefined) heading = match[1];
    else if (match[3] === language) blocks.push({ heading, code: match[4]! });
  }
  return blocks;
}
