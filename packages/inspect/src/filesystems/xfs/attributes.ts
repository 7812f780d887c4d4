import {
  XFS_ACL_BYTES,
  XFS_ACLS,
  XFS_ATTRIBUTE,
  XFS_ATTRIBUTE_ENTRY_BYTES,
  XFS_ATTRIBUTE_HEAD_BYTES,
  XFS_FORMAT,
  XFS_HEADER_BYTES,
  XFS_NAMESPACES,
  XFS_SHORT_ATTRIBUTES_BYTES,
  encodeAccessControl,
  type AccessEntry,
} from '@ict/image-parts';
import type { Bytes } from '../../bytes.js';
import { nameText } from '../filesystem-over.js';
import { MOST_ATTRIBUTE_BYTES, MOST_ATTRIBUTES } from '../limits.js';
import { AttributeBlocks } from './attribute-blocks.js';
import type { Extents, Run } from './extents.js';
import type { Fork, Inode } from './inode.js';

/** In how many places attributes of an inode may lie: as many as counters of 16 bits count. */
const MOST_RUNS = 2 ** 16;
const { local, trusted, security, parent, incomplete } = XFS_ATTRIBUTE;
/** There for the filesystem itself, and not shown. */
const HIDDEN = parent | incomplete;
/** What Linux calls an ACL, by the name under which it is stored. */
const ACL_NAMES: ReadonlyMap<string, string> = new Map(Object.entries(XFS_ACLS).map(([shown, stored]) => [`trusted.${stored}`, shown]));

interface Attribute {
  readonly flags: number;
  readonly name: Buffer;
  readonly value: Buffer;
}

/** Reads extended attributes of an xfs. */
export class Attributes {
  readonly #bytes: Bytes;
  readonly #blockBytes: number;
  readonly #extents: Extents;

  constructor(bytes: Bytes, blockBytes: number, extents: Extents) {
    this.#bytes = bytes;
    this.#blockBytes = blockBytes;
    this.#extents = extents;
  }

  /** Whole names, with values in hexadecimal digits, as Linux shows them; ACLs not once more as what is trusted. */
  async of({ number, attributes: fork }: Inode): Promise<readonly [string, string][]> {
    const found: [string, string][] = [];
    if (fork === undefined) return found;
    for await (const attribute of this.#stored(fork, number)) {
      found.push(shown(attribute));
      if (found.length > MOST_ATTRIBUTES) throw new RangeError(`inode ${number} has more than ${MOST_ATTRIBUTES} extended attributes`);
    }
    return found;
  }

  async *#stored(fork: Fork, owner: number): AsyncGenerator<Attribute, void, undefined> {
    if (fork.format === XFS_FORMAT.local) {
      yield* shortAttributes(fork.room);
      return;
    }
    if (fork.extents > MOST_RUNS) throw new RangeError(`extended attributes of inode ${owner} lie in ${fork.extents} places`);
    const runs: Run[] = [];
    for await (const run of this.#extents.of(fork, owner)) runs.push(run);
    if (runs.length === 0) return;
    const blocks = new AttributeBlocks(this.#bytes, this.#blockBytes, owner, runs);
    for await (const leaf of blocks.leaves()) yield* attributesIn(leaf, blocks);
  }
}

/** Attributes that lie in an inode. @see xfs_attr_sf_hdr and xfs_attr_sf_entry in fs/xfs/libxfs/xfs_da_format.h of the kernel */
function* shortAttributes(room: Buffer): Generator<Attribute, void, undefined> {
  let at = XFS_SHORT_ATTRIBUTES_BYTES;
  for (let left = room.readUInt8(2); left > 0; left--) {
    const flags = room.readUInt8(at + 2);
    const start = at + XFS_ATTRIBUTE_HEAD_BYTES.local;
    const middle = start + room.readUInt8(at);
    at = middle + room.readUInt8(at + 1);
    if ((flags & HIDDEN) === 0) yield { flags, name: part(room, start, middle), value: part(room, middle, at) };
  }
}

/** Attributes of a leaf. @see xfs_attr3_leafblock there */
async function* attributesIn(leaf: Buffer, blocks: AttributeBlocks): AsyncGenerator<Attribute, void, undefined> {
  for (let index = 0; index < leaf.readUInt16BE(56); index++) {
    const entry = XFS_HEADER_BYTES.attributes + index * XFS_ATTRIBUTE_ENTRY_BYTES;
    const [at, flags] = [leaf.readUInt16BE(entry + 4), leaf.readUInt8(entry + 6)];
    if ((flags & HIDDEN) !== 0) continue;
    if ((flags & local) !== 0) {
      const start = at + XFS_ATTRIBUTE_HEAD_BYTES.local;
      const middle = start + leaf.readUInt8(at + 2);
      yield { flags, name: part(leaf, start, middle), value: part(leaf, middle, middle + leaf.readUInt16BE(at)) };
      continue;
    }
    const [block, sizeBytes] = [leaf.readUInt32BE(at), leaf.readUInt32BE(at + 4)];
    if (sizeBytes > MOST_ATTRIBUTE_BYTES) throw new RangeError(`an extended attribute has ${sizeBytes} bytes`);
    const start = at + XFS_ATTRIBUTE_HEAD_BYTES.distant;
    yield { flags, name: part(leaf, start, start + leaf.readUInt8(at + 8)), value: await blocks.value(block, sizeBytes) };
  }
}

/** @throws RangeError where it ends behind what holds it. */
function part(bytes: Buffer, from: number, to: number): Buffer {
  if (to > bytes.length) throw new RangeError('extended attributes are damaged');
  return bytes.subarray(from, to);
}

function shown({ flags, name, value }: Attribute): [string, string] {
  const [prefix] = XFS_NAMESPACES.find(([, flag]) => flag === (flags & (trusted | security))) ?? [];
  if (prefix === undefined) throw new RangeError('an extended attribute has two kinds');
  const whole = `${prefix}${nameText(name)}`;
  const acl = ACL_NAMES.get(whole);
  return acl === undefined ? [whole, value.toString('hex')] : [acl, encodeAccessControl(accessEntries(value)).toString('hex')];
}

/** @see struct xfs_acl in fs/xfs/libxfs/xfs_format.h of the kernel */
function accessEntries(stored: Buffer): readonly AccessEntry[] {
  const { count, entry } = XFS_ACL_BYTES;
  const entries = (stored.length - count) / entry;
  if (stored.readUInt32BE(0) !== entries) throw new RangeError('an access control list is damaged');
  return Array.from({ length: entries }, (_none, index) => {
    const at = count + index * entry;
    return { tag: stored.readUInt32BE(at), permissions: stored.readUInt16BE(at + 8), id: stored.readUInt32BE(at + 4) };
  });
}
