/** What a match has beside the length that is written down. */
const LEAST_MATCH_BYTES = 4;
/** A length of four bits that goes on in the bytes that follow. */
const MORE = 15;

/** No more are copied one by one, which takes less time than a call. */
const FEW_BYTES = 64;

/**
 * Decompresses a block of LZ4, which has no header. It ends with its input, or where the output is full.
 *
 * @param most how many bytes it may become.
 * @throws RangeError where it is damaged.
 * @see doc/lz4_Block_format.md of lz4
 */
export function decompressLz4Block(block: Buffer, most: number): Buffer {
  const output = Buffer.allocUnsafe(most);
  let [from, to] = [0, 0];
  const byte = (): number => {
    if (from >= block.length) throw new RangeError('it ends too early');
    return block[from++] as number;
  };
  const lengthOf = (bits: number): number => {
    let length = bits;
    if (bits === MORE) for (let more = 255; more === 255; length += more) more = byte();
    return length;
  };
  while (from < block.length && to < most) {
    const token = byte();
    const literals = Math.min(lengthOf(token >> 4), most - to);
    if (from + literals > block.length) throw new RangeError('it ends too early');
    if (literals > FEW_BYTES) {
      block.copy(output, to, from, from + literals);
      from += literals;
      to += literals;
    } else for (const last = from + literals; from < last; ) output[to++] = block[from++] as number;
    if (from === block.length || to === most) break; // the last sequence has no match
    const distance = byte() | (byte() << 8);
    if (distance === 0 || distance > to) throw new RangeError('it refers to what is before it');
    const end = Math.min(to + lengthOf(token & MORE) + LEAST_MATCH_BYTES, most);
    // What is copied may be what was just written.
    if (end - to > FEW_BYTES && distance >= end - to) to += output.copy(output, to, to - distance, end - distance);
    else for (; to < end; to++) output[to] = output[to - distance] as number;
  }
  return output.subarray(0, to);
}
