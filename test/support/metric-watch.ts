const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)(?: #.*)?$/;

/** Which metrics moved over several pages of one process: a process begins at zero, so what is not zero has moved. */
export class MetricWatch {
  readonly #names: ReadonlySet<string>;
  readonly #moved = new Set<string>();

  /** @param names As in the catalogue. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
  }

  /** Takes a page of `GET /metrics`. */
  take(text: string): void {
    for (const line of text.split("\n")) {
      const match = line.startsWith("#") ? null : SAMPLE.exec(line);
      if (match === null || Number(match[2]) === 0) continue;
      const name = this.#familyOf(match[1]!);
      if (name !== undefined) this.#moved.add(name);
    }
  }

  get still(): string[] {
    return [...this.#names].filter((name) => !this.#moved.has(name)).sort();
  }

  #familyOf(sample: string): string | undefined {
    const bare = sample.replace(/_(count|sum|bucket|info|total)$/, "");
    return [sample, bare].find((name) => this.#names.has(name));
  }
}
