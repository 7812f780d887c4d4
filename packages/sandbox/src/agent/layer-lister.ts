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

  /** Takes one member in, hashing its content. @throws `ICT_SANDBOX_LAYER` when two members have one path. */
  async add(member: TarEntry): Promise<void> {
    const path = layerPath(member.path);
    if (this.#entries.has(path) || this.#links.has(path)) throw badLayer(path, 'it comes twice');
    if (member.type === 'hardlink') {
      this.#links.set(path, layerPath(member.linkTarget ?? ''));
      return;
    }
    this.#entries.set(path, await entryOf(path, member));
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

async function entryOf(path: string, member: TarEntry): Promise<LayerEntry> {
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
    ...(type === 'file' ? await contentOf(member) : {}),
    ...(type === 'symlink' && linkTarget !== undefined ? { linkTarget } : {}),
    ...(type === 'character' || type === 'block' ? { dev: { major, minor } } : {}),
    ...(own.length === 0 ? {} : { xattrs: Object.fromEntries(own.map(([name, value]) => [name, Buffer.from(value).toString('base64')])) }),
    ...(opaque ? { opaque } : {}),
  };
}

async function contentOf(member: TarEntry): Promise<Pick<LayerEntry, 'digest' | 'sizeBytes'>> {
  const whole = wholeContent(member.content);
  if (whole !== undefined) return { digest: digestOf(whole), sizeBytes: whole.length };
  const hasher = new ContentHasher();
  for await (const chunk of member.content) hasher.update(chunk);
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
