/** Names already made valid; bounded, since keys come from log lines. */
const CACHED_NAMES_MAX = 4_096;
const cache = new Map<string, string>();

/** A label name from any key: every character that a name may not have becomes `_`, a leading digit gets one in front. */
export function sanitizeLabelName(key: string): string {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const trimmed = key.trim();
  const name = trimmed.replace(/[^a-zA-Z0-9_]/g, "_").replace(/^(?=\d)/, "_");
  if (cache.size >= CACHED_NAMES_MAX) cache.clear();
  cache.set(key, name);
  return name;
}
