/** Fails loudly when the caller broke a rule that no input from outside can break. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`BUG: ${message}`);
}
