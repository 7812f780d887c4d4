/** Bytes at their place in a file. */
export interface PlacedBytes {
  readonly offsetBytes: number;
  readonly bytes: Uint8Array;
}
