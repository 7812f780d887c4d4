/** Values of ASN.1 in their one binary form (DER), as far as signatures need them. */

/** Tags that signatures use. */
export const DER = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag of an element that is told from others by a number: with elements in it, or with plain bytes. */
export const contextTag = (number: number, kind: 'constructed' | 'primitive' = 'constructed'): number =>
  (kind === 'constructed' ? 0xa0 : 0x80) + number;

/** One element: tag, length, and what is in it, one after another. */
export function derElement(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(length)]), ...contents]);
}

/** A set, whose members have an order of their own: that of their bytes. */
export function derSet(tag: number, members: readonly Uint8Array[]): Buffer {
  return derElement(tag, ...[...members].sort(Buffer.compare));
}

/** A small number, not negative. */
export function derInteger(value: number): Buffer {
  const bytes = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  if ((bytes[0] ?? 0x80) >= 0x80) bytes.unshift(0);
  return derElement(DER.integer, Buffer.from(bytes));
}

/** An object identifier in its usual form: `1.2.840.113549.1.7.2`. */
export function derObjectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) + 128);
    return digits;
  });
  return derElement(DER.objectIdentifier, Buffer.from(bytes));
}

/** An element that was read. */
export interface DerElement {
  readonly tag: number;
  /** All of it, tag and length too. */
  readonly bytes: Buffer;
  readonly content: Buffer;
}

/**
 * The elements that follow each other in some bytes.
 *
 * @throws RangeError when one is longer than what is left, or its length is not written as DER has it.
 */
export function readDer(bytes: Buffer): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at + 1];
    if (first === undefined || first === 0x80 || first > 0x84) throw new RangeError(`no length of DER at byte ${at + 1}`);
    const more = first < 0x80 ? 0 : first - 0x80;
    if (at + 2 + more > bytes.length) throw new RangeError(`the length at byte ${at + 1} ends too early`);
    const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
    const start = at + 2 + more;
    if (start + length > bytes.length) throw new RangeError(`the element at byte ${at} ends too early`);
    elements.push({ tag: bytes[at] as number, bytes: bytes.subarray(at, start + length), content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}

function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 + bytes.length, ...bytes];
}
