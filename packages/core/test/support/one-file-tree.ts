import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, readRegularFile } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import { makeManifest, type LayerManifest, type Sandbox } from '@ict/sandbox';

/** The manifest of a tree as {@link oneFileSandbox} knows it: a directory with one file, `content`. */
export async function manifestOf(directory: string): Promise<LayerManifest> {
  const text = await readFile(join(directory, 'content'), 'utf8');
  const digest = digestOf(text);
  return makeManifest([{ path: '/content', type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, sizeBytes: text.length, digest }]);
}

/** As the sandbox says it. */
function noArchive({ message }: Error): never {
  throw new IctError('ICT_SANDBOX_LAYER', 'integrity', { message });
}

/**
 * What the sandbox does for shelves of layers, done without one. The archive of a tree is a copy of its one file; one that holds "no archive"
 * cannot be unpacked, nor can what is no file.
 */
export const oneFileSandbox = {
  unpackLayer: async (archive: string, directory: string) => {
    const text = await readRegularFile(archive).then(String, noArchive);
    if (text === 'no archive') noArchive(new Error('no gzip'));
    await writeFile(join(directory, 'content'), text);
    return manifestOf(directory);
  },
  sealLayer: (directory: string) => manifestOf(directory),
  readLayer: async (directory: string, { archive }: { readonly archive?: string } = {}) => {
    if (archive !== undefined) await cp(join(directory, 'content'), archive);
    return manifestOf(directory);
  },
  statLayer: async (directory: string) => ({ digest: (await manifestOf(directory)).digest, entries: 1 }),
  verifyLayer: async (directory: string, { digest }: LayerManifest) => {
    const ok = (await manifestOf(directory)).digest === digest;
    return { ok, changed: ok ? [] : ['/content'] };
  },
  copyLayer: (from: string, to: string) => cp(from, to, { recursive: true }),
  removeTree: (directory: string) => rm(directory, { recursive: true, force: true }),
} as unknown as Sandbox;
