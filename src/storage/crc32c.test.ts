import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "./crc32c.ts";

const text = new TextEncoder();
// RFC 3720 appendix B.4, and the check value of the CRC catalogue.
const known = [
  { name: "no bytes", bytes: new Uint8Array(0), crc: 0 },
  { name: "123456789", bytes: text.encode("123456789"), crc: 0xe3069283 },
  { name: "32 zeros", bytes: new Uint8Array(32), crc: 0x8a9136aa },
  { name: "32 ones", bytes: new Uint8Array(32).fill(0xff), crc: 0x62a8ab43 },
  { name: "0 to 31", bytes: Uint8Array.from({ length: 32 }, (_, index) => index), crc: 0x46dd794e },
];
for (const { name, bytes, crc } of known) test(`crc32c: ${name}`, () => expect(crc32c(bytes)).toBe(crc));

test("crc32c: pieces give what the whole gives", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      const cut = Math.min(at, bytes.length);
      expect(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut))).toBe(crc32c(bytes));
    }),
  );
});
