const SHAPE = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu;

/** True for a UUID in its usual text form, upper or lower case. */
export function isUuid(text: string): boolean {
  return SHAPE.test(text);
}

/**
 * The 16 bytes of a UUID in the order of its text, as ext4 and swap store them.
 *
 * @throws RangeError when `text` is not a UUID.
 */
export function uuidBytes(text: string): Uint8Array {
  if (!isUuid(text)) throw new RangeError(`not a UUID: ${text}`);
  return new Uint8Array(Buffer.from(text.replaceAll('-', ''), 'hex'));
}

/**
 * The 16 bytes of a GUID as GPT stores it: the first three fields little-endian, the rest in text order.
 *
 * @throws RangeError when `text` is not a GUID.
 * @see UEFI specification, appendix A
 */
export function guidBytes(text: string): Uint8Array {
  const bytes = uuidBytes(text);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** The text, in lower case, of a UUID of 16 bytes: the reverse of {@link uuidBytes}. */
export function uuidText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The text, in upper case, of a GUID of 16 bytes as GPT stores it: the reverse of {@link guidBytes}. */
export function guidText(bytes: Uint8Array): string {
  const inOrder = Buffer.from(bytes);
  inOrder.subarray(0, 4).reverse();
  inOrder.subarray(4, 6).reverse();
  inOrder.subarray(6, 8).reverse();
  return uuidText(inOrder).toUpperCase();
}
