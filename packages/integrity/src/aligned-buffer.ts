/** The part of Node's WebAssembly that is used here; its types belong to those of browsers. */
declare const WebAssembly: { readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer } };

/** Page size of WebAssembly memory, whose start is aligned. */
const WASM_PAGE_BYTES = 65536;

/**
 * Memory that starts at a page, as reads past the page cache (`O_DIRECT`) need it; nothing else in Node promises such a start. Each takes
 * address space of its own: keep one and use it again.
 */
export function alignedBuffer(sizeBytes: number): Buffer {
  return Buffer.from(new WebAssembly.Memory({ initial: Math.ceil(sizeBytes / WASM_PAGE_BYTES) }).buffer, 0, sizeBytes);
}
