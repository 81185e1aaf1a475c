import { Labels } from "../../series/labels.ts";

/** Names of the labels that say which stage failed on a line, and how. */
const ERROR_LABEL = "__error__";
const ERROR_DETAILS_LABEL = "__error_details__";

/**
 * The labels of one line while it goes through a pipeline: the stream's own, structured metadata beside them, and
 * what stages added or removed. One instance serves a whole query; `reset` starts the next line.
 */
export class LineLabels {
  #stream = Labels.EMPTY;
  /** Flat name, value pairs. */
  #metadata: readonly string[] = [];
  readonly #parsed = new Map<string, string>();
  readonly #removed = new Set<string>();
  /** Message of the stage that failed, "" while none did. */
  error = "";
  errorDetails = "";

  reset(stream: Labels, metadata: readonly string[]): void {
    this.#stream = stream;
    this.#metadata = metadata;
    if (this.#parsed.size > 0) this.#parsed.clear();
    if (this.#removed.size > 0) this.#removed.clear();
    this.error = "";
    this.errorDetails = "";
  }

  /** The value in force, "" where the line has no such label. */
  get(name: string): string {
    if (name === ERROR_LABEL) return this.error;
    if (name === ERROR_DETAILS_LABEL) return this.errorDetails;
    const parsed = this.#parsed.get(name);
    if (parsed !== undefined) return parsed;
    if (this.#removed.size > 0 && this.#removed.has(name)) return "";
    return this.#base(name);
  }

  /** Whether the stream or its structured metadata has the label; then a parser's label is renamed. */
  hasBase(name: string): boolean {
    return this.#base(name) !== "";
  }

  #base(name: string): string {
    const metadata = this.#metadata;
    for (let index = 0; index < metadata.length; index += 2) if (metadata[index] === name) return metadata[index + 1]!;
    return this.#stream.get(name);
  }

  /** Sets a label as a parser or format does; an empty value removes it. */
  set(name: string, value: string): void {
    if (name === ERROR_LABEL) this.error = value;
    else if (name === ERROR_DETAILS_LABEL) this.errorDetails = value;
    else if (value === "") this.remove(name);
    else this.#parsed.set(name, value);
  }

  /** Sets what a parser found: under `name_extracted` where the line already has the label by itself. */
  setExtracted(name: string, value: string): void {
    this.set(this.hasBase(name) ? `${name}_extracted` : name, value);
  }

  remove(name: string): void {
    if (name === ERROR_LABEL) this.error = "";
    else if (name === ERROR_DETAILS_LABEL) this.errorDetails = "";
    else {
      this.#parsed.delete(name);
      this.#removed.add(name);
    }
  }

  /** Keeps the first error of a line, as later stages work on what the failed one left. */
  setError(error: string, details: string): void {
    if (this.error !== "") return;
    this.error = error;
    this.errorDetails = details;
  }

  /** Names of all labels in force, in no order, errors left out. */
  names(): string[] {
    const names = new Set<string>();
    for (let index = 0; index < this.#stream.pairs.length; index += 2) names.add(this.#stream.pairs[index]!);
    for (let index = 0; index < this.#metadata.length; index += 2) names.add(this.#metadata[index]!);
    for (const name of this.#removed) names.delete(name);
    for (const name of this.#parsed.keys()) names.add(name);
    return [...names];
  }

  /** True while the line has exactly its stream's labels and metadata. */
  get untouched(): boolean {
    return this.#parsed.size === 0 && this.#removed.size === 0 && this.error === "";
  }

  /** The final label set; metadata is left out where a caller shows it apart or groups without it. */
  result(withMetadata: boolean): Labels {
    const bare = !withMetadata || this.#metadata.length === 0;
    if (bare && this.untouched) return this.#stream;
    return Labels.fromEntries([
      ...this.#kept(this.#stream.pairs),
      ...(withMetadata ? this.#kept(this.#metadata) : []),
      ...this.parsedPairs(),
    ]);
  }

  /** What stages added, errors included. */
  parsedPairs(): [string, string][] {
    const pairs = [...this.#parsed];
    if (this.error !== "") pairs.push([ERROR_LABEL, this.error]);
    if (this.errorDetails !== "") pairs.push([ERROR_DETAILS_LABEL, this.errorDetails]);
    return pairs;
  }

  /** The stream's labels that no stage removed or overrode. */
  streamPairs(): [string, string][] {
    return this.#kept(this.#stream.pairs).filter(([name]) => !this.#parsed.has(name));
  }

  /** The structured metadata that no stage removed or overrode. */
  metadataPairs(): [string, string][] {
    return this.#kept(this.#metadata).filter(([name]) => !this.#parsed.has(name));
  }

  #kept(pairs: readonly string[]): [string, string][] {
    const kept: [string, string][] = [];
    for (let index = 0; index < pairs.length; index += 2) {
      if (!this.#removed.has(pairs[index]!)) kept.push([pairs[index]!, pairs[index + 1]!]);
    }
    return kept;
  }
}
