import { HttpError } from "../runtime/http-error.ts";
import { type ErrorDetail, type GatewayErrorCode, gatewayErrors } from "./error-catalogue.ts";

export type Dialect = "openai" | "anthropic";

interface Extra {
  /** The request field at fault, OpenAI's `param`. */
  readonly param?: string | undefined;
  /** A hook's own 4xx; else the catalogue's. */
  readonly status?: number;
  readonly retryAfterSeconds?: number;
  /** Further reply headers that belong to this error. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The provider's own word for `code`, which OpenAI clients look at (such as `context_length_exceeded`). */
  readonly openAiCode?: string | undefined;
  /** The finished sentence of an error that comes from another process; else the catalogue's is filled in. */
  readonly message?: string;
}

/** A GatewayError on its way between the processes of one gateway: plain JSON. */
export interface WireError {
  readonly code: GatewayErrorCode;
  readonly extra: Extra;
}

/** An error of the catalogue, ready to be written in either dialect. */
export class GatewayError<C extends GatewayErrorCode = GatewayErrorCode> extends HttpError {
  readonly code: C;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly #openAiCode: string | undefined;

  constructor(code: C, detail: ErrorDetail<C>, extra: Extra = {}) {
    const message = extra.message ?? (gatewayErrors[code].message as (detail: ErrorDetail<C>) => string)(detail);
    super(extra.status ?? gatewayErrors[code].status, message, extra.retryAfterSeconds);
    this.code = code;
    this.param = extra.param ?? null;
    this.headers = extra.headers ?? {};
    this.#openAiCode = extra.openAiCode;
  }

  /** The error that another process of this gateway threw. */
  static fromWire({ code, extra }: WireError): GatewayError {
    return new GatewayError(code, {} as never, extra);
  }

  toWire(): WireError {
    const { code, message, param, retryAfterSeconds, headers } = this;
    const openAiCode = this.#openAiCode;
    return {
      code,
      extra: {
        message,
        param: param ?? undefined,
        headers,
        openAiCode,
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      },
    };
  }

  /** `code` as OpenAI's clients see it. */
  get openAiCode(): string | null {
    return this.#openAiCode ?? gatewayErrors[this.code].openai[1];
  }

  /** The `type` that a client of this dialect sees. */
  typeIn(dialect: Dialect): string {
    return dialect === "openai" ? gatewayErrors[this.code].openai[0] : gatewayErrors[this.code].anthropic;
  }
}

/** Body that the client's SDK parses: OpenAI "Error codes", Anthropic "Errors" reference pages. */
export function errorBody(error: GatewayError, dialect: Dialect, requestId: string): object {
  if (dialect === "anthropic") {
    const { anthropic: type } = gatewayErrors[error.code];
    return { type: "error", error: { type, message: error.message, gateway_code: error.code }, request_id: requestId };
  }
  const [type] = gatewayErrors[error.code].openai;
  const { message, param, openAiCode: code } = error;
  return { error: { message, type, param, code, gateway_code: error.code, request_id: requestId } };
}

/** Turns anything thrown into an error of the catalogue; what is unknown becomes INTERNAL_ERROR. */
export function toGatewayError(error: unknown, bodyBytesMax: number): GatewayError {
  if (error instanceof GatewayError) return error;
  const { statusCode, code } = (error ?? {}) as { statusCode?: number; code?: string };
  const status = error instanceof HttpError ? error.status : statusCode;
  const reason = error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
  if (code === "FST_ERR_BAD_URL") return new GatewayError("INVALID_REQUEST", { reason: `${reason}.` });
  if (status === 413) return new GatewayError("REQUEST_TOO_LARGE", { bodyBytesMax });
  if (status === 415) return new GatewayError("UNSUPPORTED_MEDIA_TYPE", { reason });
  if (status === 400) return new GatewayError("INVALID_JSON", { reason });
  return new GatewayError("INTERNAL_ERROR", {});
}
