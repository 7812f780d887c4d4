import type { PlacedBytes } from '@ict/image-parts';
import type { ContentPlace, TreePath } from '@ict/plugin-api';

/** Where everything goes in an archive; what nothing is placed at is zeros. */
export class ArchiveLayout {
  readonly heads: PlacedBytes[] = [];
  readonly contents: ContentPlace[] = [];
  sizeBytes = 0;

  /** Puts bytes at the end. */
  add(bytes: Uint8Array): void {
    this.heads.push({ offsetBytes: this.sizeBytes, bytes });
    this.sizeBytes += bytes.length;
  }

  /** Leaves room for the content of a file at the end. */
  addContent(path: TreePath, sizeBytes: number): void {
    if (sizeBytes > 0) this.contents.push({ path, offsetBytes: this.sizeBytes });
    this.sizeBytes += sizeBytes;
  }

  /** Goes on at a multiple of this many bytes. */
  align(bytes: number): void {
    this.sizeBytes = Math.ceil(this.sizeBytes / bytes) * bytes;
  }
}
