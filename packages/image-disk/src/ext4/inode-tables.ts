import type { ImageFile } from '../image-file.js';
import { BLOCK_BYTES, INODE_BYTES, type Geometry } from './geometry.js';

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

  /** The part of the table that an inode is in, and where it begins there. */
  at(inode: number): { readonly table: Buffer; readonly start: number } {
    const { inodesPerGroup } = this.#geometry;
    const index = inode - 1;
    return { table: this.#tables[Math.floor(index / inodesPerGroup)] as Buffer, start: (index % inodesPerGroup) * INODE_BYTES };
  }

  write(image: ImageFile): void {
    this.#geometry.groups.slice(0, this.#tables.length).forEach(({ inodeTable }, group) => {
      image.write(inodeTable, this.#tables[group] as Buffer);
    });
  }
}
