import { LINE_LABELS, type LogLine, lineText } from "./log-line.ts";

/** Stream label sets of one process; past it `model` and `error_type` are left out, so that streams stay bounded. */
const STREAMS_MAX = 2_000;

/** A line ready to be sent. */
export interface QueuedLine {
  readonly labels: Readonly<Record<string, string>>;
  /** Groups lines of one stream. */
  readonly key: string;
  readonly nanoseconds: string;
  readonly text: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Turns lines into Loki's push format (JSON, `POST /loki/api/v1/push`). */
export class LokiEncoder {
  readonly #constant: Readonly<Record<string, string>>;
  readonly #streams = new Set<string>();
  #lastMs = 0;
  #sequence = 0;

  constructor(environment: string) {
    this.#constant = {
      app: "gatewayz",
      service: "gatewayz-api",
      job: "gatewayz",
      env: environment,
      environment,
    };
  }

  queued(line: LogLine): QueuedLine {
    let labels = this.#labelsOf(line, false);
    let key = keyOf(labels);
    if (!this.#streams.has(key)) {
      if (this.#streams.size < STREAMS_MAX) this.#streams.add(key);
      else {
        labels = this.#labelsOf(line, true);
        key = keyOf(labels);
      }
    }
    const metadata = Object.entries(line.metadata).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return {
      labels,
      key,
      nanoseconds: this.#nanoseconds(line.atMs),
      text: lineText(line),
      metadata: Object.fromEntries(metadata),
    };
  }

  #labelsOf(line: LogLine, few: boolean): Record<string, string> {
    const labels: Record<string, string> = { ...this.#constant, level: line.level, logger: line.logger };
    for (const name of LINE_LABELS) {
      if (few && (name === "model" || name === "error_type")) continue;
      const value = line.labels[name];
      if (value !== undefined) labels[name] = value;
    }
    return labels;
  }

  /** Lines of one millisecond get ascending nanoseconds, so that their order survives. */
  #nanoseconds(atMs: number): string {
    const ms = Math.floor(atMs);
    this.#sequence = ms === this.#lastMs ? (this.#sequence + 1) % 1_000_000 : 0;
    this.#lastMs = ms;
    return `${ms}${String(this.#sequence).padStart(6, "0")}`;
  }

  /** The push body of a batch. */
  body(batch: readonly QueuedLine[]): string {
    const streams = new Map<string, { stream: QueuedLine["labels"]; values: [string, string, object][] }>();
    for (const { labels, key, nanoseconds, text, metadata } of batch) {
      const entry = streams.get(key) ?? { stream: labels, values: [] };
      entry.values.push([nanoseconds, text, metadata]);
      streams.set(key, entry);
    }
    return JSON.stringify({ streams: [...streams.values()] });
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels).join("\u0000");
}
