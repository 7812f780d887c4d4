import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { digestOf } from '@ict/integrity';
import type { LayerRef } from '@ict/plugin-api';
import { layerRef, type LayerManifest } from '@ict/sandbox';
import { BaseTree } from '../../src/trees/base-tree.js';
import type { LayerShelf, StoredLayer } from '../../src/trees/layer-shelf.js';
import { LazySandbox } from '../../src/trees/trees.js';
import { manifestOf, oneFileSandbox } from './one-file-tree.js';

/** The layers of a cache, in a directory of their own. */
class DirectoryShelf implements LayerShelf {
  readonly layers = new Map<string, StoredLayer>();
  private readonly root: string;
  private count = 0;

  constructor(root: string) {
    this.root = root;
  }

  async has(layer: LayerRef) {
    return this.layers.has(layer.digest);
  }
  async find(layer: LayerRef) {
    return this.layers.get(layer.digest);
  }
  async stage() {
    const root = join(this.root, `staged-${++this.count}`);
    await mkdir(join(root, 'fs'), { recursive: true });
    return { root, directory: join(root, 'fs'), work: join(root, 'work') };
  }
  async publish({ directory }: { readonly directory: string }, manifest: LayerManifest, sign: (directory: string) => Promise<never>) {
    const signature = await sign(directory);
    this.layers.set(manifest.digest, { directory, manifest, signature });
    return { layer: layerRef(manifest), directory };
  }
  async resign() {}
  async drop(layer: LayerRef) {
    this.layers.delete(layer.digest);
  }
  async abandon() {}
}

export interface Workshop {
  readonly base: BaseTree;
  readonly shelf: DirectoryShelf;
  readonly make: (content: string) => Promise<LayerRef>;
  readonly lies: (layer: LayerRef) => Promise<string>;
}

/** Gives each test of a file an empty directory of its own, in which base trees of one file are made. */
export function baseTreePlace() {
  const at = { place: '', work: '' };
  beforeEach(async () => {
    at.place = await mkdtemp(join(tmpdir(), 'ict-base-'));
    at.work = join(at.place, 'work');
    await mkdir(at.work);
  });
  afterEach(() => rm(at.place, { recursive: true }));

  /** The archive of {@link oneFileSandbox}, read as it is. */
  const lister = {
    listArchive: async (archive: string): Promise<LayerManifest> => {
      const directory = await mkdtemp(join(at.work, 'list-'));
      return oneFileSandbox.unpackLayer(archive, directory).finally(() => rm(directory, { recursive: true }));
    },
  };

  function workshop(
    directory = at.work,
    elsewhere: readonly string[] = [],
    tellUnread?: (what: string, directory: string, reason: string) => void,
  ): Workshop {
    const shelf = new DirectoryShelf(join(at.place, 'cache'));
    const base = new BaseTree(directory, shelf, new LazySandbox(async () => oneFileSandbox), elsewhere, tellUnread);
    const make = async (content: string): Promise<LayerRef> => {
      const staged = await base.stage();
      await writeFile(join(staged.directory, 'content'), content);
      const archive = base.archivePlace(staged);
      await writeFile(archive, content);
      const manifest = await manifestOf(staged.directory);
      return (await base.publish(staged, manifest, (published) => oneFileSandbox.statLayer(published), archive)).layer;
    };
    const lies = async (layer: LayerRef): Promise<string> => {
      const found = await base.find(layer);
      if (found === undefined) return 'nowhere';
      return `${found.directory === join(directory, 'chrootenv') ? 'live' : 'cache'}: ${await readFile(join(found.directory, 'content'), 'utf8')}`;
    };
    return { base, shelf, make, lies };
  }

  /** Lets the record of the live tree say something else of a file, under the right digest. */
  async function alterListing(): Promise<void> {
    const file = join(at.work, 'chrootenv.json');
    const record = JSON.parse(await readFile(file, 'utf8')) as { readonly manifest: LayerManifest };
    const entries = record.manifest.entries.map((entry) => ({ ...entry, mtimeSeconds: 2 }));
    const manifest = { ...record.manifest, entries };
    // As earlier versions noted it: whoever alters the file can alter what it says of itself.
    await writeFile(file, JSON.stringify({ ...record, manifest, listing: digestOf(JSON.stringify(manifest)) }));
  }

  return { at, workshop, alterListing, lister };
}
