import { DatabaseError } from "../../database/database-error.ts";
import { KeyStoreError } from "../access/store/key-store.ts";
import { GatewayError } from "../errors.ts";

const RETRY_AFTER_SECONDS = 2;

/** Runs an operation on a store; what goes wrong there becomes an error that clients know. */
export async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KeyStoreError) throw clientError(error);
    if (error instanceof DatabaseError) {
      throw new GatewayError(
        "STORE_UNAVAILABLE",
        { reason: error.message },
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    }
    throw error;
  }
}

function clientError({ code, message }: KeyStoreError): GatewayError {
  if (code === "KEY_NOT_FOUND" || code === "TEAM_NOT_FOUND") {
    const name = /"(.*)"/.exec(message)?.[1] ?? "";
    return new GatewayError("ENTRY_NOT_FOUND", { what: code === "KEY_NOT_FOUND" ? "key" : "team", name });
  }
  return new GatewayError("CONFLICT", { reason: message });
}
