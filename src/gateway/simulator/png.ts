import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Colour type 3: one bit a pixel, an index into the palette. */
const PALETTE_COLOUR = 3;
const BIT_DEPTH = 1;
const STRIPE_BYTES_MIN = 2;

/** A real picture of two colours in stripes, which follow from the seed (PNG specification, third edition). */
export function pngOf(width: number, height: number, seed: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([BIT_DEPTH, PALETTE_COLOUR, 0, 0, 0], 8);
  const palette = Buffer.from([seed & 0xff, (seed >> 8) & 0xff, (seed >> 16) & 0xff, 0xf4, 0xf4, 0xf4]);
  const rowBytes = Math.ceil(width / 8);
  const stripe = STRIPE_BYTES_MIN + (seed % 7);
  const pixels = Buffer.alloc((rowBytes + 1) * height);
  for (let row = 0; row < height; row++) {
    const start = row * (rowBytes + 1) + 1; // The byte in front says: no filter.
    for (let index = 0; index < rowBytes; index++) {
      pixels[start + index] = Math.floor((index + row / 8) / stripe) % 2 === 0 ? 0xff : 0x00;
    }
  }
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("PLTE", palette),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const named = Buffer.concat([Buffer.from(type, "ascii"), data]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
