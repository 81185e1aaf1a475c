/**
 * What a lazily imported CommonJS package exports: Node finds most names by itself, a bundle puts all of them into
 * `default`.
 */
export function commonJs<Module extends object>(imported: Module): Module {
  return "default" in imported && typeof imported.default === "object" && imported.default !== null
    ? { ...imported, ...(imported.default as Module) }
    : imported;
}
