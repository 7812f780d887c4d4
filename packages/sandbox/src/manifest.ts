import { ContentHasher } from '@ict/integrity';
import type { Digest, LayerRef, TreeRecord } from '@ict/plugin-api';

/** One entry of a layer: what it is, never how one file system happens to keep it. Mode and time of a whiteout are 0. */
export interface LayerEntry extends TreeRecord {
  /** The path is deleted from the layers below. */
  readonly whiteout?: true;
  /** Nothing of this directory in the layers below shows through. */
  readonly opaque?: true;
}

/** What a layer holds. Equal trees give equal manifests on any machine, for root and in a user namespace. */
export interface LayerManifest {
  /** {@link layerDigest} of the entries. */
  readonly digest: Digest;
  /** Sum of the file sizes, each hard-linked file once. */
  readonly sizeBytes: number;
  /** Sorted by the bytes of their path. */
  readonly entries: readonly LayerEntry[];
}

/** Orders paths by their UTF-8 bytes, as `LC_ALL=C sort` does. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * The one text of an entry, without a line end: its canonical JSON. The members are named in the order of that, so that one native call
 * makes the text: layers have ten thousand entries. Attributes keep the order that they are given in, as the name of none is a number.
 */
export function entryLine(entry: LayerEntry): string {
  const { dev, digest, gid, hardlinkOf, linkTarget, mode, mtimeSeconds, opaque, path, sizeBytes, type, uid, whiteout, xattrs } = entry;
  return JSON.stringify({
    dev: dev === undefined ? undefined : { major: dev.major, minor: dev.minor },
    digest,
    gid,
    hardlinkOf,
    linkTarget,
    mode,
    mtimeSeconds,
    opaque,
    path,
    sizeBytes,
    type,
    uid,
    whiteout,
    xattrs: xattrs === undefined ? undefined : Object.fromEntries(Object.entries(xattrs).sort(([a], [b]) => (a < b ? -1 : 1))),
  } satisfies Record<keyof LayerEntry, unknown>);
}

/** Hashed at a time: a call for each line would cost more than the digest. */
const HASHED_CHARACTERS = 64 * 1024;

/** SHA-256 over the line of each entry, in order, each ended by a line feed. */
export function layerDigest(entries: readonly LayerEntry[]): Digest {
  const hasher = new ContentHasher();
  let text = '';
  for (const entry of entries) {
    text += `${entryLine(entry)}\n`;
    if (text.length < HASHED_CHARACTERS) continue;
    hasher.update(Buffer.from(text));
    text = '';
  }
  hasher.update(Buffer.from(text));
  return hasher.finish().digest;
}

/** Makes the manifest of these entries, in any order. */
export function makeManifest(entries: readonly LayerEntry[]): LayerManifest {
  const keyed = entries.map((entry) => ({ entry, key: Buffer.from(entry.path) }));
  keyed.sort((a, b) => Buffer.compare(a.key, b.key));
  const sorted = keyed.map(({ entry }) => entry);
  const sizeBytes = sorted.reduce((sum, entry) => sum + (entry.sizeBytes ?? 0), 0);
  return { digest: layerDigest(sorted), sizeBytes, entries: sorted };
}

/** The reference by which cached results name this layer. */
export function layerRef(manifest: LayerManifest): LayerRef {
  return { kind: 'layer', digest: manifest.digest, entries: manifest.entries.length, sizeBytes: manifest.sizeBytes };
}

/** Paths whose entries differ between two manifests, sorted by bytes. */
export function changedPaths(before: readonly LayerEntry[], after: readonly LayerEntry[]): string[] {
  const known = new Map(before.map((entry) => [entry.path, entry]));
  const changed: string[] = [];
  for (const entry of after) {
    if (!isSame(known.get(entry.path), entry)) changed.push(entry.path);
    known.delete(entry.path);
  }
  return [...changed, ...known.keys()].sort(comparePaths);
}

/** Whether two parts of an entry have one canonical text, without making it: a member that is undefined counts as absent. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const name in left) if (!isSame(left[name], right[name])) return false;
  for (const name in right) if (left[name] === undefined && right[name] !== undefined) return false;
  return true;
}
