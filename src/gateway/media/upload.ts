import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { BusboyConstructor } from "@fastify/busboy";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { UPLOAD_FIELD_BYTES_MAX, UPLOAD_FIELDS_MAX, UPLOAD_FILES_MAX, UPLOAD_NAME_BYTES_MAX } from "./limits.ts";
import { Spool } from "./spool.ts";

export interface UploadedFile {
  readonly field: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly spool: Spool;
}

/** A multipart request, taken apart: fields in memory, files spooled. */
export class Upload {
  /** Name and value in the order in which they came; a name may come several times (`image[]`, `include[]`). */
  fields: (readonly [name: string, value: string])[] = [];
  readonly files: UploadedFile[] = [];

  /** The fields as an object, for checks that JSON requests have too; of several the last. */
  asObject(): JsonObject {
    const object: JsonObject = {};
    for (const [name, value] of this.fields) Object.defineProperty(object, name, { value, ...PLAIN_MEMBER });
    return object;
  }

  /** Takes over what became of the fields (a hook may change them): texts that differ, and members that are gone. */
  change(body: JsonObject): void {
    const changed: (readonly [string, string])[] = [];
    for (const [name, value] of this.fields) {
      if (!Object.hasOwn(body, name)) continue;
      const now = body[name];
      const several = this.fields.filter(([other]) => other === name).length > 1;
      changed.push([name, several || typeof now !== "string" ? value : now]);
    }
    this.fields = changed;
  }

  /** The upload as a body for a provider, with the provider's id of the model. May be called once per attempt. */
  encode(model: string): { contentType: string; bytes: number; body: Readable } {
    const boundary = `gatewayz-${randomBytes(16).toString("hex")}`;
    const fields = this.fields.filter(([name]) => name !== "model" && !OWN_FIELDS.has(name));
    const head = [["model", model] as const, ...fields]
      .map(([name, value]) => fieldPart(boundary, name, value))
      .join("");
    const headBytes = Buffer.from(head);
    const parts = this.files.map((file) => ({ head: Buffer.from(filePartHead(boundary, file)), file }));
    const tail = Buffer.from(`--${boundary}--\r\n`);
    let bytes = headBytes.length + tail.length;
    for (const part of parts) bytes += part.head.length + part.file.spool.bytes + 2;
    async function* body(): AsyncGenerator<Buffer> {
      yield headBytes;
      for (const part of parts) {
        yield part.head;
        yield* part.file.spool.read();
        yield LINE_END;
      }
      yield tail;
    }
    // Bytes, not objects: else a stream would read sixteen pieces ahead, whatever their size.
    return {
      contentType: `multipart/form-data; boundary=${boundary}`,
      bytes,
      body: Readable.from(body(), { objectMode: false }),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map(({ spool }) => spool.close()));
  }
}

/** Also for a field named `__proto__`, which an assignment would take for something else. */
const PLAIN_MEMBER = { enumerable: true, configurable: true, writable: true } as const;
/** Fields that are the gateway's own and that no provider knows. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["provider"]);
const LINE_END = Buffer.from("\r\n");

function fieldPart(boundary: string, name: string, value: string): string {
  return `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`;
}

function filePartHead(boundary: string, { field, fileName, contentType }: UploadedFile): string {
  const disposition = `Content-Disposition: form-data; name="${quoted(field)}"; filename="${quoted(fileName)}"`;
  return `--${boundary}\r\n${disposition}\r\nContent-Type: ${contentType}\r\n\r\n`;
}

/** As browsers write names in multipart headers (WHATWG HTML, "multipart form data"). */
function quoted(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/**
 * Reads a whole multipart request. The caller closes the upload.
 * @param directory Where files go that are too long for memory.
 * @throws GatewayError INVALID_REQUEST, UPLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE.
 */
export async function readUpload(request: IncomingMessage, directory: string, bytesMax: number): Promise<Upload> {
  const contentType = request.headers["content-type"] ?? "";
  if (!/^multipart\/form-data\s*;/i.test(contentType)) {
    throw new GatewayError("UNSUPPORTED_MEDIA_TYPE", { reason: "it must be multipart/form-data" });
  }
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw new GatewayError("UNSUPPORTED_MEDIA_TYPE", { reason: "an upload must not have a content encoding" });
  }
  const { default: Busboy } = await import("@fastify/busboy");
  const upload = new Upload();
  try {
    const parser = openParser(Busboy, request.headers, bytesMax);
    await new Promise<void>((resolve, reject) => {
      const writes: Promise<void>[] = [];
      let received = 0;
      const tooLarge = (): void => reject(new GatewayError("UPLOAD_TOO_LARGE", { bytesMax }));
      parser.on("field", (name, value, nameCut, valueCut) => {
        if (nameCut || valueCut) reject(invalid(name, `the field ${JSON.stringify(name.slice(0, 60))} is too long.`));
        else upload.fields.push([name, value]);
      });
      parser.on("file", (field, stream, fileName, _encoding, type) => {
        const spool = new Spool(directory);
        upload.files.push({ field, fileName: fileName ?? "file", contentType: mediaType(type), spool });
        stream.on("limit", tooLarge);
        writes.push(spoolAll(stream, spool));
        writes.at(-1)!.catch(reject);
      });
      parser.on("partsLimit", () => reject(invalid("", "the upload has too many parts.")));
      parser.on("filesLimit", () => reject(invalid("", `the upload has more than ${UPLOAD_FILES_MAX} files.`)));
      parser.on("fieldsLimit", () => reject(invalid("", `the upload has more than ${UPLOAD_FIELDS_MAX} fields.`)));
      parser.on("error", (error: unknown) => reject(invalid("", `the upload cannot be read: ${reasonOf(error)}.`)));
      parser.on("finish", () => void Promise.all(writes).then(() => resolve(), reject));
      request.on("data", (chunk: Buffer) => {
        received += chunk.length;
        if (received > bytesMax) tooLarge();
      });
      request.once("close", () => {
        if (!request.readableEnded) reject(invalid("", "the upload ended before its last byte."));
      });
      request.pipe(parser);
    });
    return upload;
  } catch (error) {
    request.unpipe();
    request.resume(); // The rest is read and thrown away, so that the client comes to see the answer.
    await upload.close();
    throw error;
  }
}

function openParser(
  Busboy: BusboyConstructor,
  headers: IncomingHttpHeaders,
  bytesMax: number,
): InstanceType<BusboyConstructor> {
  try {
    return new Busboy({
      headers: { ...headers, "content-type": headers["content-type"] ?? "" },
      limits: {
        fieldNameSize: UPLOAD_NAME_BYTES_MAX,
        fieldSize: UPLOAD_FIELD_BYTES_MAX,
        fields: UPLOAD_FIELDS_MAX,
        files: UPLOAD_FILES_MAX,
        fileSize: bytesMax,
        parts: UPLOAD_FIELDS_MAX + UPLOAD_FILES_MAX,
        headerPairs: 20,
      },
    });
  } catch (error) {
    throw invalid("", `the upload's boundary cannot be used: ${reasonOf(error)}.`);
  }
}

async function spoolAll(stream: Readable, spool: Spool): Promise<void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) await spool.write(chunk);
}

/** A client's word for the type, or the one that says nothing: a header is no place for anything else. */
function mediaType(type: string | undefined): string {
  return type !== undefined && /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(type) ? type : "application/octet-stream";
}

function invalid(param: string, reason: string): GatewayError {
  return new GatewayError("INVALID_REQUEST", { reason }, param === "" ? {} : { param });
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "").slice(0, 200);
}
