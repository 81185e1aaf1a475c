import { Counter, type Registry } from "prom-client";
import { decodeSnappyBlock } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Labels } from "../../series/labels.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { METADATA_PER_TARGET_MAX, REMOTE_WRITE_DECODED_BYTES_MAX } from "../limits.ts";
import { AppendError } from "../store/append-error.ts";
import type { Appender, MetricMetadata } from "../store/appender.ts";
import { ProtobufError } from "./protobuf-reader.ts";
import { decodeWriteRequest, type WrittenSeries } from "./remote-write-decode.ts";

/** Samples further ahead than this are refused: one wrong clock must not close the series for everybody else. */
const AHEAD_MAX_MS = 10 * 60_000;
/** Seconds after which a sender may try again when the disk refuses. */
const RETRY_AFTER_SECONDS = 5;

interface RemoteWriteHeaders {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** The remote write 1.0 receiver. Source: Prometheus Remote-Write 1.0 specification. */
export class RemoteWriteReceiver {
  readonly #appender: () => Appender;
  readonly #logger: Logger;
  readonly #invalid: Counter;
  readonly #refused: Counter;
  readonly #samples: Counter;
  readonly #metadata = new Map<string, MetricMetadata>();

  constructor(appender: () => Appender, registry: Registry, logger: Logger) {
    this.#appender = appender;
    this.#logger = logger;
    const registers = [registry];
    this.#invalid = new Counter({
      name: "prometheus_api_remote_write_invalid_labels_samples_total",
      help: "The total number of received remote write samples and histogram samples which were rejected due to invalid labels.",
      registers,
    });
    this.#refused = new Counter({
      name: "gatewayz_metrics_remote_write_refused_samples_total",
      help: "Samples of remote write requests that were refused, by reason; the others of their request were kept.",
      labelNames: ["reason"],
      registers,
    });
    this.#samples = new Counter({
      name: "gatewayz_metrics_remote_write_samples_total",
      help: "Samples received by remote write and kept.",
      registers,
    });
  }

  /** What writers said about metric families, newest word per family. */
  get metadata(): ReadonlyMap<string, MetricMetadata> {
    return this.#metadata;
  }

  /**
   * Takes one request. Good samples are kept even where others of the request are refused.
   * @throws HttpError 400 with Prometheus' text for bad data, 413, 415; 503 when the disk refuses (nothing was kept).
   */
  async write(body: Buffer, headers: RemoteWriteHeaders): Promise<void> {
    checkHeaders(headers);
    const bytes = await decodeSnappyBlock(body, REMOTE_WRITE_DECODED_BYTES_MAX);
    const appender = this.#appender();
    const batch = new Batch(appender, Date.now() + AHEAD_MAX_MS);
    try {
      for (const series of decodeWriteRequest(bytes, (metadata) => this.#note(metadata))) batch.add(series);
    } catch (error) {
      appender.rollback();
      if (error instanceof ProtobufError) throw new HttpError(400, error.message);
      throw error;
    }
    await commit(appender);
    this.#count(batch);
    if (batch.firstComplaint === undefined) return;
    const { firstComplaint, refused, kept } = batch;
    this.#logger.debug({ refused, kept, first: firstComplaint }, "remote write refused samples");
    const others = kept === 0 ? "" : ", the others kept";
    throw new HttpError(400, `${firstComplaint} (${refused} of ${refused + kept} samples refused${others})`);
  }

  #count(batch: Batch): void {
    this.#samples.inc(batch.kept);
    this.#invalid.inc(batch.reasons.get("invalid_labels") ?? 0);
    for (const [reason, count] of batch.reasons) this.#refused.inc({ reason }, count);
  }

  #note({ family, type, help, unit }: MetricMetadata & { family: string }): void {
    if (family === "" || (this.#metadata.size >= METADATA_PER_TARGET_MAX && !this.#metadata.has(family))) return;
    this.#metadata.set(family, { type, help, unit });
  }
}

/** The samples of one request on their way into the store. */
class Batch {
  kept = 0;
  refused = 0;
  firstComplaint: string | undefined;
  readonly reasons = new Map<string, number>();
  readonly #appender: Appender;
  readonly #latestMs: number;

  constructor(appender: Appender, latestMs: number) {
    this.#appender = appender;
    this.#latestMs = latestMs;
  }

  add(series: WrittenSeries): void {
    const { labels, timestampsMs, values, stale } = series;
    if (series.invalid !== undefined) {
      const count = timestampsMs.length + series.histograms.length;
      this.#refuse("invalid_labels", series.invalid, Math.max(1, count));
      return;
    }
    let ref = 0;
    for (let index = 0; index < timestampsMs.length; index++) {
      const timestampMs = timestampsMs[index]!;
      this.#try(labels, timestampMs, () => {
        ref = stale.has(index)
          ? this.#appender.appendStale(ref, labels, timestampMs)
          : this.#appender.append(ref, labels, timestampMs, values[index]!);
      });
    }
    for (const { timestampMs, histogram, isStale, invalid } of series.histograms) {
      if (invalid !== undefined) {
        this.#refuse("invalid_histogram", `${invalid} for series ${labels.toString()}`, 1);
        continue;
      }
      this.#try(labels, timestampMs, () => {
        ref = isStale
          ? this.#appender.appendStale(ref, labels, timestampMs)
          : this.#appender.appendHistogram(ref, labels, timestampMs, histogram);
      });
    }
    for (const exemplar of series.exemplars) this.#addExemplar(ref, labels, exemplar);
  }

  #try(labels: Labels, timestampMs: number, append: () => void): void {
    try {
      if (timestampMs > this.#latestMs) throw new AppendError("OUT_OF_BOUNDS");
      append();
      this.kept++;
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      this.#refuse(error.code.toLowerCase(), `${error.message} for series ${labels.toString()}`, 1);
    }
  }

  /** Exemplars are a help and not data: one that is refused does not fail the request, as in Prometheus. */
  #addExemplar(ref: number, labels: Labels, exemplar: WrittenSeries["exemplars"][number]): void {
    try {
      this.#appender.appendExemplar(ref, labels, exemplar);
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      const reason = `exemplar_${error.code.toLowerCase()}`;
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    }
  }

  #refuse(reason: string, text: string, count: number): void {
    this.refused += count;
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + count);
    this.firstComplaint ??= text;
  }
}

async function commit(appender: Appender): Promise<void> {
  try {
    await appender.commit();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new HttpError(503, error.message, RETRY_AFTER_SECONDS);
  }
}

function checkHeaders({ contentType, contentEncoding }: RemoteWriteHeaders): void {
  if (contentEncoding !== undefined && contentEncoding.trim().toLowerCase() !== "snappy") {
    throw new HttpError(
      415,
      `${contentEncoding} encoding (compression) is not accepted by this server; only snappy is acceptable`,
    );
  }
  const [mediaType, ...options] = (contentType ?? "application/x-protobuf").split(";").map((part) => part.trim());
  if (mediaType !== "application/x-protobuf") {
    throw new HttpError(
      415,
      `expected application/x-protobuf as the first (media) part, got ${contentType} content-type`,
    );
  }
  const proto = options.find((option) => option.startsWith("proto="))?.slice("proto=".length);
  if (proto !== undefined && proto !== "prometheus.WriteRequest") {
    throw new HttpError(
      415,
      `${proto} protobuf message is not accepted by this server; only accepts prometheus.WriteRequest`,
    );
  }
}
