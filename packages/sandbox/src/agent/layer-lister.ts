import { wholeContent, type TarEntry } from '@ict/archive';
import { ContentHasher, digestOf } from '@ict/integrity';
import type { EntryType } from '@ict/plugin-api';
import { sandboxError } from '../errors.js';
import { comparePaths, type LayerEntry } from '../manifest.js';

const OPAQUE = ['user.overlay.opaque', 'trusted.overlay.opaque'];
const OVERLAY = /^(user|trusted)\.overlay\./;

/** Turns the members of a layer's tar into the entries of its manifest. */
export class LayerLister {
  readonly #entries = new Map<string, LayerEntry>();
  /** Path of each hard link, and of the member that the archive says it joins. */
  readonly #links = new Map<string, string>();

  /**
   * Takes one member in, hashing its content.
   *
   * @returns a promise while that is still to come: most files are small and there, and a promise costs them more than their bytes.
   * @throws `ICT_SANDBOX_LAYER` when two members have one path.
   */
  add(member: TarEntry): Promise<void> | undefined {
    const path = layerPath(member.path);
    if (this.#entries.has(path) || this.#links.has(path)) throw badLayer(path, 'it comes twice');
    if (member.type === 'hardlink') {
      this.#links.set(path, layerPath(member.linkTarget ?? ''));
      return undefined;
    }
    const content = member.type === 'file' ? contentOf(member) : {};
    if (content instanceof Promise) return content.then((arrived) => void this.#entries.set(path, entryOf(path, member, arrived)));
    this.#entries.set(path, entryOf(path, member, content));
    return undefined;
  }

  /**
   * The entries, in no particular order. Of the names of one file the first in byte order carries its description, whichever
   * tar met first; whiteouts that the kernel linked to each other are single whiteouts.
   *
   * @throws `ICT_SANDBOX_LAYER` when a hard link joins nothing.
   */
  entries(): LayerEntry[] {
    const groups = new Map<string, string[]>();
    for (const [path, target] of this.#links) {
      if (!this.#entries.has(target)) throw badLayer(path, `it is a hard link to ${target}, which is not there`);
      const names = groups.get(target) ?? [target];
      names.push(path);
      groups.set(target, names);
    }
    const result = new Map(this.#entries);
    for (const [target, names] of groups) {
      const entry = this.#entries.get(target) as LayerEntry;
      const [first, ...others] = names.sort(comparePaths) as [string, ...string[]];
      result.set(first, { ...entry, path: first });
      for (const path of others) result.set(path, entry.whiteout === true ? { ...entry, path } : linkEntry(entry, path, first));
    }
    return [...result.values()];
  }
}

function linkEntry(entry: LayerEntry, path: string, hardlinkOf: string): LayerEntry {
  const { type, mode, uid, gid, mtimeSeconds } = entry;
  return { path, type, mode, uid, gid, mtimeSeconds, hardlinkOf };
}

type Content = Pick<LayerEntry, 'digest' | 'sizeBytes'>;

function entryOf(path: string, member: TarEntry, content: Content): LayerEntry {
  const { mode, uid, gid, mtimeSeconds, linkTarget, devMajor: major = 0, devMinor: minor = 0 } = member;
  const type = member.type as EntryType;
  if (type === 'character' && major === 0 && minor === 0) {
    return { path, type, mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, whiteout: true };
  }
  const own = [...member.xattrs].filter(([name]) => !OVERLAY.test(name));
  const opaque = OPAQUE.some((name) => Buffer.from(member.xattrs.get(name) ?? []).toString() === 'y');
  return {
    path,
    type,
    mode,
    uid,
    gid,
    mtimeSeconds,
    ...content,
    ...(type === 'symlink' && linkTarget !== undefined ? { linkTarget } : {}),
    ...(type === 'character' || type === 'block' ? { dev: { major, minor } } : {}),
    ...(own.length === 0 ? {} : { xattrs: Object.fromEntries(own.map(([name, value]) => [name, Buffer.from(value).toString('base64')])) }),
    ...(opaque ? { opaque } : {}),
  };
}

function contentOf({ content }: TarEntry): Content | Promise<Content> {
  const whole = wholeContent(content);
  return whole === undefined ? hashed(content) : { digest: digestOf(whole), sizeBytes: whole.length };
}

async function hashed(content: AsyncIterable<Uint8Array>): Promise<Content> {
  const hasher = new ContentHasher();
  for await (const chunk of content) hasher.update(chunk);
  return hasher.finish();
}

function layerPath(member: string): string {
  if (member === '.') return '/';
  if (!member.startsWith('./')) throw badLayer(member, 'it is not below the root of the archive');
  return member.slice(1);
}

function badLayer(path: string, reason: string): Error {
  return sandboxError('ICT_SANDBOX_LAYER', {
    message: `${JSON.stringify(path)} of a layer cannot be listed: ${reason}`,
    hint: 'Remove the layer from the cache and build it again.',
    facts: { path, reason },
  });
}
