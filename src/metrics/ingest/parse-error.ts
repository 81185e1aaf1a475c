/** A body that is not in its format; the whole scrape fails. The text follows Prometheus' own parsers. */
export class ExpositionError extends Error {
  override readonly name = "ExpositionError";
}
