/** What one page of `GET /metrics` says: sample lines by name of the family's metric, and their values. */
type Page = ReadonlyMap<string, ReadonlyMap<string, number>>;

const SAMPLE = /^([a-zA-Z_:][\w:]*)((?:\{[^}]*\})?) (\S+)/;

/** Which metrics moved over several pages of one process. */
export class MetricWatch {
  readonly #kinds: ReadonlyMap<string, string>;
  readonly #moved = new Set<string>();
  #first: Page | undefined;

  /** @param kinds Metric name in the catalogue → its type. */
  constructor(kinds: ReadonlyMap<string, string>) {
    this.#kinds = kinds;
  }

  /** Takes a page; the first one is what everything after it is compared with. */
  take(text: string): void {
    const page = this.#read(text);
    this.#first ??= page;
    for (const [name, samples] of page) if (this.#hasMoved(name, samples)) this.#moved.add(name);
  }

  /** A counter moved when it grew, a gauge when it is not zero or is another than before. */
  #hasMoved(name: string, samples: ReadonlyMap<string, number>): boolean {
    const before = this.#first!.get(name);
    const gauge = this.#kinds.get(name) === "gauge" || this.#kinds.get(name) === "info";
    return [...samples].some(([line, value]) => value !== (before?.get(line) ?? 0) || (gauge && value !== 0));
  }

  get still(): string[] {
    return [...this.#kinds.keys()].filter((name) => !this.#moved.has(name)).sort();
  }

  #read(text: string): Page {
    const page = new Map<string, Map<string, number>>();
    for (const line of text.split("\n")) {
      const match = line.startsWith("#") ? null : SAMPLE.exec(line);
      if (match === null) continue;
      const name = this.#familyOf(match[1]!);
      if (name === undefined) continue;
      const samples = page.get(name) ?? new Map<string, number>();
      page.set(name, samples.set(match[1]! + match[2]!, Number(match[3])));
    }
    return page;
  }

  #familyOf(sample: string): string | undefined {
    const bare = sample.replace(/_(count|sum|bucket|info|total)$/, "");
    return [sample, bare].find((name) => this.#kinds.has(name));
  }
}
