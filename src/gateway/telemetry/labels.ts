/** Segments of a path that a label keeps. */
const PATH_SEGMENTS_MAX = 6;
const ID_SEGMENT = /^(\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,})$/i;
/** A label value longer than this is cut; names of models and providers are far below. */
const LABEL_CHARS_MAX = 128;

/** Paths whose label is remembered; route templates are some dozens. */
const PATHS_REMEMBERED_MAX = 1_000;
const remembered = new Map<string, string>();

/** A path as a label: numbers, UUIDs and long hex become `{id}`, at most six segments stay. */
export function pathLabel(path: string): string {
  const known = remembered.get(path);
  if (known !== undefined) return known;
  const label = workOutPathLabel(path);
  if (remembered.size < PATHS_REMEMBERED_MAX) remembered.set(path, label);
  return label;
}

function workOutPathLabel(path: string): string {
  const segments = path
    .split("?", 1)[0]!
    .split("/")
    .filter((segment) => segment !== "");
  const kept = segments.slice(0, PATH_SEGMENTS_MAX).map((segment) => (ID_SEGMENT.test(segment) ? "{id}" : segment));
  return boundedLabel(`/${kept.join("/")}`);
}

/** `2xx`, `4xx`, `5xx`, or `other` (1xx and 3xx too, as the contract has it). */
export function statusClass(statusCode: number): string {
  const hundreds = Math.floor(statusCode / 100);
  return hundreds === 2 || hundreds === 4 || hundreds === 5 ? `${hundreds}xx` : "other";
}

/** The value cut to what a label may hold, without NUL, which separates labels in keys. */
export function boundedLabel(value: string): string {
  const cut = value.length <= LABEL_CHARS_MAX ? value : value.slice(0, LABEL_CHARS_MAX);
  return cut.includes("\u0000") ? cut.replaceAll("\u0000", "") : cut;
}
