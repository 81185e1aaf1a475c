type Json = Record<string, unknown>;

/**
 * Makes `target` equal to `source` without replacing the objects inside it: whoever holds one of them reads the new
 * values from then on. Arrays are replaced as a whole. Both are plain JSON.
 */
export function assignInPlace(target: object, source: object): void {
  const [to, from] = [target as Json, source as Json];
  for (const key of Object.keys(to)) if (!Object.hasOwn(from, key)) delete to[key];
  for (const [key, value] of Object.entries(from)) {
    const before = Object.hasOwn(to, key) ? to[key] : undefined;
    if (isRecord(before) && isRecord(value)) assignInPlace(before, value);
    else if (Object.hasOwn(to, key)) to[key] = value;
    // A name such as `__proto__` from a file is a member like any other.
    else Object.defineProperty(to, key, { value, writable: true, enumerable: true, configurable: true });
  }
}

/** Names of the members that differ, in the order of `next`. */
export function differingKeys(before: object, next: object): string[] {
  const [old, fresh] = [before as Json, next as Json];
  const keys = new Set([...Object.keys(fresh), ...Object.keys(old)]);
  return [...keys].filter((key) => !equal(old[key], fresh[key]));
}

/** True for JSON values that say the same; a member that is undefined is none. */
export function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((entry, index) => equal(entry, b[index]));
  if (isRecord(a) && isRecord(b)) return differingKeys(a, b).length === 0;
  return Object.is(a, b);
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
