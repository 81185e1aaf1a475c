/** Query strings as plain text values; a repeated key (`var-model=a&var-model=b`) becomes a list. */
export type Search = Record<string, string | string[] | undefined>;

/** Reads a query string, with or without the leading question mark. */
export function parseSearch(text: string): Search {
  // A map, because a parameter may be called like something that every object has.
  const search = new Map<string, string | string[]>();
  for (const [key, value] of new URLSearchParams(text)) {
    const known = search.get(key);
    if (known === undefined) search.set(key, value);
    else if (Array.isArray(known)) known.push(value);
    else search.set(key, [known, value]);
  }
  return Object.fromEntries(search);
}

/** Writes a query string with the leading question mark; empty if there is nothing to say. */
export function stringifySearch(search: Search): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) params.append(key, String(one));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** The first value of a key, or undefined. */
export function searchText(search: Search, key: string): string | undefined {
  const value = search[key];
  return Array.isArray(value) ? value[0] : value;
}
