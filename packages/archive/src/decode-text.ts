const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A text as rpm packages have it, in names too: UTF-8, or Latin-1 where its bytes are no UTF-8, as in packages of old distributions. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}
