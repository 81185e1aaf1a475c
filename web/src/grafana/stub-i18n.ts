/**
 * Stands in for @grafana/i18n in the bundle: this app shows English only, and @grafana/data passes the English text as
 * the second argument. Wired in by web/build.mjs.
 */

/** Returns the English default with `{{name}}` placeholders filled. */
export function t(_id: string, text: string, values: Record<string, unknown> = {}): string {
  return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name: string) => String(values[name] ?? whole));
}
