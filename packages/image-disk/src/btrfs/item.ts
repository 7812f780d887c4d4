import type { BtrfsKey } from '@ict/image-parts';

/** What a tree holds, found by its key. */
export interface Item extends BtrfsKey {
  readonly data: Buffer;
}
