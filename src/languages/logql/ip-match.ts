import { isIP } from "node:net";

const IPV4 = /\b\d{1,3}(?:\.\d{1,3}){3}\b/g;
const IPV6 = /(?<![0-9a-fA-F:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![0-9a-fA-F:])/g;

/** Addresses of one family as an inclusive range of numbers. */
interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * A test for `ip("10.0.0.0/8")`, `ip("10.0.0.1-10.0.0.9")` or a single address; true when the text holds a match.
 * @throws Error where the pattern is none of the three.
 */
export function compileIpPattern(pattern: string): (text: string) => boolean {
  const range = parseRange(pattern);
  if (range === undefined) throw new Error(`ip: invalid pattern: ${JSON.stringify(pattern)}`);
  const shape = range.family === 4 ? IPV4 : IPV6;
  return (text) => {
    for (const match of text.matchAll(shape)) {
      const value = addressValue(match[0]);
      if (
        value !== undefined &&
        value.family === range.family &&
        value.value >= range.first &&
        value.value <= range.last
      ) {
        return true;
      }
    }
    return false;
  };
}

function parseRange(pattern: string): AddressRange | undefined {
  const [left, right, ...more] = pattern.split(/[-/]/);
  const first = addressValue(left!.trim());
  if (first === undefined || more.length > 0) return undefined;
  if (right === undefined) return { family: first.family, first: first.value, last: first.value };
  if (pattern.includes("/")) {
    const bits = first.family === 4 ? 32 : 128;
    const prefix = Number(right);
    if (!/^\d+$/.test(right) || prefix > bits) return undefined;
    const rest = BigInt(bits - prefix);
    const base = (first.value >> rest) << rest;
    return { family: first.family, first: base, last: base + (1n << rest) - 1n };
  }
  const last = addressValue(right.trim());
  if (last === undefined || last.family !== first.family || last.value < first.value) return undefined;
  return { family: first.family, first: first.value, last: last.value };
}

function addressValue(text: string): { family: 4 | 6; value: bigint } | undefined {
  const family = isIP(text);
  if (family === 4) return { family, value: fold(text.split(".").map(Number), 8n) };
  if (family !== 6 || text.includes("%") || text.includes(".")) return undefined;
  const [head, tail] = text.split("::");
  const groups = (part: string | undefined): number[] =>
    part === undefined || part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail);
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return { family: 6, value: fold([...before, ...Array<number>(zeros).fill(0), ...after], 16n) };
}

function fold(groups: readonly number[], bits: bigint): bigint {
  return groups.reduce((value, group) => (value << bits) | BigInt(group), 0n);
}
