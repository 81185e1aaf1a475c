import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

const CRLF = "\r\n";
/** Hexadecimal digits of the longest length, and both line ends. */
const FRAME_BYTES_MAX = 12;
/** Longer pieces are not copied into a frame of ours: copying would cost more than node's separate writes. */
const COPIED_BYTES_MAX = 16 * 1024; // 16 KiB

/**
 * The body of a reply in chunks (RFC 9112, section 7.1), each written to the socket in one piece: node:http writes
 * length, line end, data and line end apart, which for the short chunks of a model cost more than all else that is done
 * with them. The first piece goes node's way, together with the head, and so does all where the socket is not this
 * reply's own yet or where there are no chunks (HTTP/1.0). Node ends the reply.
 */
export class ChunkedReply {
  readonly #raw: ServerResponse;
  readonly #drained: () => void;
  /** Once it is certain that what we write to it comes right behind what node has written. */
  #socket: Socket | undefined;
  #begun = false;

  /** @param drained Called when the client has taken what was held up. */
  constructor(raw: ServerResponse, drained: () => void) {
    this.#raw = raw;
    this.#drained = drained;
    raw.on("drain", drained);
  }

  /** True where the client reads more slowly than is written. */
  get needDrain(): boolean {
    return this.#raw.writableNeedDrain || this.#socket?.writableNeedDrain === true;
  }

  /** @returns false where the client should be waited for. */
  write(piece: Buffer | string, bytes: number): boolean {
    if (bytes === 0) return !this.needDrain;
    const socket = bytes <= COPIED_BYTES_MAX ? this.#ownSocket() : undefined;
    if (socket === undefined) {
      this.#begun = true;
      return this.#raw.write(piece);
    }
    const frame = Buffer.allocUnsafe(bytes + FRAME_BYTES_MAX);
    let at = frame.write(bytes.toString(16) + CRLF, 0, "latin1");
    at += typeof piece === "string" ? frame.write(piece, at, "utf8") : piece.copy(frame, at);
    frame[at] = 0x0d;
    frame[at + 1] = 0x0a;
    return socket.write(frame.subarray(0, at + 2));
  }

  /** Nothing is written any more. */
  close(): void {
    this.#raw.off("drain", this.#drained);
    this.#socket?.off("drain", this.#drained);
  }

  #ownSocket(): Socket | undefined {
    if (this.#socket !== undefined || !this.#begun) return this.#socket;
    const { socket, chunkedEncoding, writableLength } = this.#raw;
    // Behind an earlier reply on the same connection, the head and what follows it wait in the reply itself.
    if (!chunkedEncoding || socket === null || writableLength > socket.writableLength) return undefined;
    socket.on("drain", this.#drained);
    this.#socket = socket;
    return socket;
  }
}
