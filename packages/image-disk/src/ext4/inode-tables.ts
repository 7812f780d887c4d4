import { BLOCK_BYTES, INODE_BYTES, type Geometry } from './geometry.js';
import type { ImageFile } from './image-file.js';

/** Inodes 1 to the last one in use, by group. */
export class InodeTables {
  readonly #geometry: Geometry;
  readonly #tables: readonly Buffer[];

  constructor(geometry: Geometry, lastInode: number) {
    this.#geometry = geometry;
    const { inodesPerGroup } = geometry;
    this.#tables = Array.from({ length: Math.ceil(lastInode / inodesPerGroup) }, (_, group) => {
      const used = Math.min(lastInode - group * inodesPerGroup, inodesPerGroup);
      return Buffer.alloc(Math.ceil((used * INODE_BYTES) / BLOCK_BYTES) * BLOCK_BYTES);
    });
  }

  /** The bytes of an inode. */
  at(inode: number): Buffer {
    const { inodesPerGroup } = this.#geometry;
    const offset = ((inode - 1) % inodesPerGroup) * INODE_BYTES;
    return (this.#tables[Math.floor((inode - 1) / inodesPerGroup)] as Buffer).subarray(offset, offset + INODE_BYTES);
  }

  write(image: ImageFile): void {
    this.#geometry.groups.slice(0, this.#tables.length).forEach(({ inodeTable }, group) => {
      image.write(inodeTable, this.#tables[group] as Buffer);
    });
  }
}
