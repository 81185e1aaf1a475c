import { LINE_LABELS, type LogLine, lineText } from "./log-line.ts";

/** Stream label sets of one process; past it `model` and `error_type` are left out, so that streams stay bounded. */
const STREAMS_MAX = 2_000;
const UNBOUNDED_LABELS: ReadonlySet<string> = new Set(["model", "error_type"]);

type Labels = Readonly<Record<string, string>>;

/** A line ready to be sent. */
export interface QueuedLine {
  /** The same object for all lines of one stream. */
  readonly labels: Labels;
  readonly nanoseconds: string;
  readonly text: string;
  readonly metadata: LogLine["metadata"];
}

/** Turns lines into Loki's push format (JSON, `POST /loki/api/v1/push`). */
export class LokiEncoder {
  readonly #constant: Labels;
  readonly #streams = new Map<string, Labels>();
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
    return {
      labels: this.#streamOf(line),
      nanoseconds: this.#nanoseconds(line.atMs),
      text: lineText(line),
      metadata: line.metadata,
    };
  }

  #streamOf(line: LogLine): Labels {
    const { provider, model, error_type, method, path } = line.labels;
    const key = `${line.level}\0${line.logger}\0${provider}\0${model}\0${error_type}\0${method}\0${path}`;
    return this.#streams.get(key) ?? this.#addStream(key, line);
  }

  #addStream(key: string, line: LogLine): Labels {
    const full = this.#streams.size >= STREAMS_MAX;
    const labels: Record<string, string> = { ...this.#constant, level: line.level, logger: line.logger };
    for (const name of LINE_LABELS) {
      const value = line.labels[name];
      if (value !== undefined && !(full && UNBOUNDED_LABELS.has(name))) labels[name] = value;
    }
    if (!full) this.#streams.set(key, labels);
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
    const streams = new Map<Labels, [string, string, LogLine["metadata"]][]>();
    for (const { labels, nanoseconds, text, metadata } of batch) {
      const values = streams.get(labels);
      if (values === undefined) streams.set(labels, [[nanoseconds, text, metadata]]);
      else values.push([nanoseconds, text, metadata]);
    }
    return JSON.stringify({ streams: [...streams].map(([stream, values]) => ({ stream, values })) });
  }
}
