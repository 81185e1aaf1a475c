import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import { UPLOAD_MEMORY_BYTES_MAX } from "./limits.ts";
import { Spool } from "./spool.ts";
import { readUpload, Upload } from "./upload.ts";

let server: Server;
let directory: string;
let result: Promise<Upload> | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatewayz-upload-"));
  server = createServer((request: IncomingMessage, reply) => {
    result = readUpload(request, directory, 8 * 1024 * 1024);
    result.catch(() => undefined).finally(() => reply.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  server.close();
  expect(await readdir(directory)).toEqual([]); // Spooled files have no names.
  await rm(directory, { recursive: true });
});

/** Sends a body in pieces of this size and returns what was read of it. */
async function send(contentType: string, body: Buffer, pieceBytes: number): Promise<Upload> {
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve, reject) => {
    const request = httpRequest({ port, method: "POST", headers: { "content-type": contentType } }, (reply) => {
      reply.resume().on("end", resolve);
    });
    request.on("error", reject);
    for (let at = 0; at < body.length; at += pieceBytes) request.write(body.subarray(at, at + pieceBytes));
    request.end();
  });
  return result!;
}

async function encoded(upload: Upload): Promise<{ contentType: string; bytes: number; body: Buffer }> {
  const { contentType, bytes, body } = upload.encode("the-model");
  const pieces: Buffer[] = [];
  for await (const piece of body as AsyncIterable<Buffer>) pieces.push(piece);
  return { contentType, bytes, body: Buffer.concat(pieces) };
}

const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => !/[\r\n"%\\\u0000]/.test(value));
const name = fc.stringMatching(/^[a-z_]{1,12}(\[\])?$/).filter((value) => value !== "model" && value !== "provider");
const file = fc.record({
  field: name,
  fileName: fc.stringMatching(/^[\w .-]{1,20}$/),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(UPLOAD_MEMORY_BYTES_MAX + 7).fill(13))),
});

test("what is encoded is read again as it was, whatever the files hold and however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(name, text), { maxLength: 5 }),
      fc.array(file, { maxLength: 3 }),
      fc.integer({ min: 1, max: 70_000 }),
      async (fields, files, pieceBytes) => {
        const upload = new Upload();
        upload.fields.push(...fields);
        for (const { field, fileName, bytes } of files) {
          const spool = new Spool(directory);
          await spool.write(Buffer.from(bytes));
          upload.files.push({ field, fileName: fileName.trim() || "x", contentType: "audio/wav", spool });
        }
        const { contentType, bytes, body } = await encoded(upload);
        expect(body.length).toBe(bytes);
        const read = await send(contentType, body, Math.max(pieceBytes, Math.ceil(body.length / 200)));
        expect(read.fields).toEqual([["model", "the-model"], ...fields]);
        expect(read.files.map(({ field, contentType: type }) => [field, type])).toEqual(
          files.map(({ field }) => [field, "audio/wav"]),
        );
        for (const [index, { spool }] of read.files.entries()) {
          const pieces: Buffer[] = [];
          for await (const piece of spool.read()) pieces.push(piece);
          expect(Buffer.concat(pieces).equals(Buffer.from(files[index]!.bytes))).toBe(true);
          expect(spool.onDisk).toBe(files[index]!.bytes.length > UPLOAD_MEMORY_BYTES_MAX);
        }
        await Promise.all([upload.close(), read.close()]);
      },
    ),
    { numRuns: 40 },
  );
});

test("garbage is refused with an error of the catalogue, and nothing is left behind", async () => {
  const parts = [
    "--b",
    "\r\n",
    "--",
    'Content-Disposition: form-data; name="file"; filename="a"',
    "\r\n\r\n",
    "x",
    ";",
    "\u0000",
    "--b--",
    "Content-Type: ",
    "\n",
  ];
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    fc.array(fc.constantFrom(...parts), { maxLength: 20 }).map((pieces) => Buffer.from(pieces.join(""))),
  );
  const boundary = fc.constantFrom("b", "", '"b"', "b; x", "x".repeat(300));
  await fc.assert(
    fc.asyncProperty(garbage, boundary, fc.integer({ min: 1, max: 50 }), async (body, mark, pieceBytes) => {
      const read = await send(`multipart/form-data; boundary=${mark}`, body, pieceBytes).catch(
        (error: unknown) => error,
      );
      if (read instanceof Upload) await read.close();
      else expect(read).toBeInstanceOf(GatewayError);
    }),
    { numRuns: 150 },
  );
});
