import { isUtf8 } from 'node:buffer';

const NOTHING = Buffer.alloc(0);

/** Tells whether a stream of bytes is UTF-8; characters may be cut by the ends of its pieces. */
export class Utf8Check {
  #begun: Buffer = NOTHING;

  /** @returns false when no text of UTF-8 has such a piece here. */
  accepts(piece: Buffer): boolean {
    const bytes = this.#begun.length === 0 ? piece : Buffer.concat([this.#begun, piece]);
    const whole = lastWholeEnd(bytes);
    this.#begun = bytes.subarray(whole);
    return isUtf8(bytes.subarray(0, whole));
  }

  /** False when the stream ended within a character. */
  get isWhole(): boolean {
    return this.#begun.length === 0;
  }
}

/** Where the last character ends that is all there. */
function lastWholeEnd(bytes: Buffer): number {
  for (let at = bytes.length - 1; at >= 0 && at >= bytes.length - 3; at--) {
    const byte = bytes[at]!;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const width = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return at + width > bytes.length ? at : bytes.length;
  }
  return bytes.length;
}
