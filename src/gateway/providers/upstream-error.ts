import { OUTBOUND_REFUSED } from "../../runtime/outbound-guard.ts";

/** What went wrong on the way to or from a provider, before any reading of what it said. */
export type UpstreamFailure =
  | "connect" // refused, unreachable, name not found
  | "connect_timeout"
  | "credentials" // no token could be had for the call
  | "refused" // the address is one that is never called
  | "reset" // the connection ended before the answer did
  | "protocol" // not HTTP, wrong length, header block too large
  | "cancelled"; // by us: client gone, deadline, shutdown

export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly failure: UpstreamFailure;

  constructor(failure: UpstreamFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "its host name does not resolve",
  EAI_AGAIN: "its host name does not resolve at the moment",
  EHOSTUNREACH: "its host is unreachable",
  ENETUNREACH: "its network is unreachable",
  OUTBOUND_REFUSED: "its address may not be called (see allowPrivate)",
  UND_ERR_CONNECT_TIMEOUT: "no connection within the connect limit",
  ETIMEDOUT: "no connection within the system's limit",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was closed while sending",
  UND_ERR_SOCKET: "the connection was closed before the answer was complete",
  UND_ERR_HEADERS_OVERFLOW: "its header block is too large",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the body's length differs from its content-length",
};

/** Sorts an error of undici or of the socket; the text names no address and no credential. */
export function upstreamErrorOf(error: Error & { code?: string }): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = error.code ?? "";
  const sentence = SENTENCES[code];
  switch (code) {
    case "ECONNREFUSED":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return new UpstreamError("connect", sentence!);
    case OUTBOUND_REFUSED:
      return new UpstreamError("refused", sentence!);
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return new UpstreamError("connect_timeout", sentence!);
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return new UpstreamError("reset", sentence!);
  }
  if (/^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    return new UpstreamError("connect", `TLS failed (${code})`);
  }
  if (error.name === "HTTPParserError" || code.startsWith("HPE_")) {
    return new UpstreamError("protocol", `its answer is not HTTP${code === "" ? "" : ` (${code})`}`);
  }
  return new UpstreamError("protocol", sentence ?? `unexpected failure ${code || error.name}`);
}
