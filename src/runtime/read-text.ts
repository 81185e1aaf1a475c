/**
 * The text of a small answer from another program.
 * @throws Error past `bytesMax`; what the connection says.
 */
export async function readText(body: AsyncIterable<Buffer>, bytesMax: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, bytes).toString("utf8");
}
