import {
  status as grpcStatus,
  type handleUnaryCall,
  type Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { isLoopbackHost, keyMatches, presentedKeys } from "../../runtime/auth.ts";
import type { RoleContext } from "../../runtime/role.ts";
import { REQUEST_BYTES_MAX } from "../limits.ts";
import { MalformedRequestError, type Receiver, StoreUnavailableError } from "./receiver.ts";
import { encodeExportResponse } from "./rpc-status.ts";

/** Messages stay bytes: decoding is ours, in place, and the write-ahead log wants the bytes anyway. */
const asIs = (bytes: Buffer): Buffer => bytes;

const traceService: ServiceDefinition = {
  Export: {
    path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

export interface OtlpGrpcServer {
  /** `http://host:port` really bound. */
  readonly url: string;
  /** Lets calls under way finish, then closes. */
  close(): Promise<void>;
}

const SHUTDOWN_TIMEOUT_MS = 5_000;
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
/** HTTP/2 streams that one connection may have open; an exporter needs one or two. */
const STREAMS_MAX = 100;

/** OTLP/gRPC on its port. Rejects when the port cannot be bound. */
export async function startOtlpGrpcServer(context: RoleContext, receiver: Receiver): Promise<OtlpGrpcServer> {
  const { host, ports, engineKey } = context.config;
  const needsKey = !isLoopbackHost(host) || engineKey !== undefined;
  const server = new Server({
    "grpc.max_receive_message_length": REQUEST_BYTES_MAX,
    "grpc.max_concurrent_streams": STREAMS_MAX,
    // A peer that vanished without a word is found out and its connection closed.
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 1,
  });
  const exportTraces: handleUnaryCall<Buffer, Buffer> = (call, done) => {
    if (needsKey && !hasKey(call.metadata, engineKey)) {
      done({
        code: grpcStatus.UNAUTHENTICATED,
        details: "missing or wrong key: send GATEWAYZ_ENGINE_KEY as bearer token",
      });
      return;
    }
    receiver.accept(call.request, "grpc").then(
      (outcome) => done(null, Buffer.from(encodeExportResponse(outcome))),
      (error: Error) => done({ code: codeOf(error), details: detailsOf(error, context) }),
    );
  };
  server.addService(traceService, { Export: exportTraces } as UntypedServiceImplementation);
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${bracketed}:${ports.otlpGrpc}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : bracketed;
  return {
    url: `http://${reachable}:${port}`,
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), SHUTDOWN_TIMEOUT_MS);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function hasKey(metadata: Metadata, engineKey: string | undefined): boolean {
  if (engineKey === undefined) return false;
  const text = (name: string): string | undefined => metadata.get(name)[0]?.toString();
  const headers = { authorization: text("authorization"), "x-api-key": text("x-api-key") };
  return presentedKeys(headers).some((key) => keyMatches(key, engineKey));
}

function codeOf(error: Error): number {
  if (error instanceof MalformedRequestError) return grpcStatus.INVALID_ARGUMENT;
  return error instanceof StoreUnavailableError ? grpcStatus.UNAVAILABLE : grpcStatus.INTERNAL;
}

/** What went wrong inside is for our log; the sender gets a sentence without internals. */
function detailsOf(error: Error, context: RoleContext): string {
  if (error instanceof MalformedRequestError || error instanceof StoreUnavailableError) return error.message;
  context.logger.error({ error: error.message, stack: error.stack }, "export failed");
  return "internal error";
}
