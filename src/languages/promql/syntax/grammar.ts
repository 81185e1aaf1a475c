import type { SyntaxNode, Tree } from "@lezer/common";
import type { LRParser } from "@lezer/lr";
import { parser as official } from "@prometheus-io/lezer-promql";
import { type Specializer, withoutInheritedWords } from "../../inherited-words.ts";

/** What Lezer keeps about the words that may be more than identifiers; internal, hence described here. */
interface SpecializerSpec {
  readonly get: (value: string) => number;
  readonly external?: Specializer;
  readonly extend?: boolean;
}

/**
 * The official grammar knows the functions by name, and is behind by some (`min_of`). Here every identifier in front
 * of an argument list may be a function, so that the checker can say which function does not exist. The word `abs`
 * stands for all of them: nothing below reads the node's type, only its text.
 */
function withAnyFunction(official: LRParser): LRParser {
  const { specializerSpecs } = official as unknown as { specializerSpecs: readonly SpecializerSpec[] };
  const words = specializerSpecs.find((spec) => spec.external === undefined)!;
  const contextual = specializerSpecs.find((spec) => spec.external !== undefined && spec.extend === true)!.external!;
  const anyFunction = words.get("abs") >> 1; // The low bit says "extend".
  const extended: Specializer = (value, stack) => {
    const term = contextual(value, stack);
    if (term >= 0) return term;
    const parser = stack as unknown as { canShift(term: number): boolean };
    const word = words.get(value);
    if (word >= 0 && parser.canShift(word >> 1)) return -1;
    return parser.canShift(anyFunction) ? anyFunction : -1;
  };
  return official.configure({ specializers: [{ from: contextual, to: extended }] });
}

const grammar = withAnyFunction(withoutInheritedWords(official));

/** Strings and comments, which stay as they are; numbers such as `1.`; words of duration expressions in capitals. */
const SPELLINGS =
  /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|#[^\n]*|\b\d[\d_]*\.(?![\w.])|\b(?:step|range|min_of|max_of)(?=\s*\()/gi;

/**
 * Spellings that Prometheus takes and the official grammar does not, replaced by equally long ones, so that every
 * offset stays true: `1.` becomes `1 `, `STEP()` becomes `step()`.
 */
function normalizeSpelling(query: string): string {
  return query.replace(SPELLINGS, (text) => {
    if (/^["'`#]/.test(text)) return text;
    return text.endsWith(".") ? `${text.slice(0, -1)} ` : text.toLowerCase();
  });
}

/** The concrete syntax tree of a query; it holds error nodes where the text is not PromQL. */
export function parseTree(query: string): Tree {
  return grammar.parse(normalizeSpelling(query));
}

/** The first error node in text order, or undefined. */
export function firstError(tree: Tree): SyntaxNode | undefined {
  let found: SyntaxNode | undefined;
  tree.iterate({
    enter(node) {
      if (found !== undefined) return false;
      if (node.type.isError) found = node.node;
      return true;
    },
  });
  return found;
}

/** Children without comments. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.name !== "LineComment") children.push(child);
  }
  return children;
}
