import type { SpanBlock } from "./span-block.ts";
export class SegmentSet {
  static async open(_o: unknown): Promise<SegmentSet> {
    return new SegmentSet();
  }
  async replayFrom(_walDir: string): Promise<number> {
    return 0;
  }
  async write(_block: SpanBlock, _walEnd: number): Promise<void> {
    throw new Error("not yet");
  }
  async *blocks(_s: number, _e: number): AsyncGenerator<SpanBlock> {}
  async *blocksOfTrace(_t: Uint8Array): AsyncGenerator<{ block: SpanBlock; trace: number }> {}
  async enforceRetention(_w: number): Promise<void> {}
}
