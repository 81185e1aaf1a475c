/** Pairs items with keys that are unique and stay with an item's name when the list changes. */
export function keyed<T>(items: readonly T[], nameOf: (item: T) => string): { key: string; item: T; index: number }[] {
  const counts = new Map<string, number>();
  return items.map((item, index) => {
    const name = nameOf(item);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return { key: count === 0 ? name : `${name}#${count}`, item, index };
  });
}
