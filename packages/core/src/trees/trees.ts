import type {
  ChangeOptions,
  ContentPlace,
  LayerRef,
  PackTarget,
  Packing,
  TreePath,
  TreeRecord,
  TreeRef,
  TreeRunner,
  TreeSession,
} from '@ict/plugin-api';
import type { LayerManifest, LayerTimes, Sandbox, SandboxTree } from '@ict/sandbox';
import { coreError } from '../errors.js';
import { lookingForRoom } from './full-disk.js';
import { isProvenListing } from './layer-listing.js';
import type { LayerFinder, LayerShelf, StagedLayer, StoredLayer } from './layer-shelf.js';
import { mergeLayers, type MergedEntry } from './merged-tree.js';
import { mayBeLost, signedAgain, signedNow } from './kept-signature.js';

/** Starts the sandbox when a tree is first needed: a build whose steps all hit never starts one. */
export class LazySandbox {
  private readonly start: () => Promise<Sandbox>;
  private started: Promise<Sandbox> | undefined;

  constructor(start: () => Promise<Sandbox>) {
    this.start = start;
  }

  get(): Promise<Sandbox> {
    this.started ??= this.start();
    return this.started;
  }

  async close(): Promise<void> {
    if (this.started === undefined) return;
    const sandbox = await this.started.catch(() => undefined); // one that never started needs no closing
    await sandbox?.close();
  }
}

/** Something that shows in a tree while it is open. */
export interface TreeMount {
  /** A directory of the host, or layers. */
  readonly source: string | TreeRef;
  readonly at: TreePath;
  readonly writable: boolean;
}

/** Where a new layer goes, beside its latest time. */
export interface LayerOptions extends ChangeOptions {
  /** Absent: the cache. */
  readonly shelf?: LayerShelf;
  readonly mounts?: readonly TreeMount[];
  /** A layer over the same parent, with whose content the new one begins. */
  readonly start?: LayerRef;
  /** Looks at the finished layer beside the one that it began with; what it throws keeps the layer from being stored. */
  readonly review?: (before: LayerManifest, after: LayerManifest) => void;
}

/** What holds for all trees of a build. */
export interface TreeRules {
  /** Times of files in new layers: of what is made there, and the latest of what is brought there. */
  readonly times: LayerTimes;
  /** How layers of earlier builds are checked. */
  readonly verify: 'signature' | 'full';
  readonly signal: AbortSignal;
}

/** Opens trees over the sandbox: layers are verified when first mounted, and what a session wrote becomes a layer. */
export class SandboxTrees implements TreeRunner {
  private readonly sandbox: LazySandbox;
  private readonly shelf: LayerFinder;
  private readonly cache: LayerShelf;
  private readonly times: LayerTimes;
  private readonly verify: 'signature' | 'full';
  private readonly signal: AbortSignal;
  private readonly verified = new Map<string, Pick<StoredLayer, 'directory' | 'manifest'>>();
  /** Layers that this build made and that may have been moved since: where they lay, and their signature there. */
  private readonly made = new Map<string, Pick<StoredLayer, 'directory' | 'signature'>>();
  private readonly mergedTrees = new WeakMap<TreeRef, readonly MergedEntry[]>();

  /**
   * @param shelf where layers are looked for.
   * @param cache where new ones go unless told otherwise: a layer there stays where it is.
   */
  constructor(sandbox: LazySandbox, shelf: LayerFinder, cache: LayerShelf, { times, verify, signal }: TreeRules) {
    this.sandbox = sandbox;
    this.shelf = shelf;
    this.cache = cache;
    this.times = times;
    this.verify = verify;
    this.signal = signal;
  }

  async change(parent: TreeRef, work: (tree: TreeSession) => Promise<void>, options: LayerOptions = {}): Promise<LayerRef> {
    const { shelf = this.cache, start, mounts = [] } = options;
    const times: LayerTimes = options.epochSeconds === undefined ? this.times : { epochSeconds: options.epochSeconds };
    const { epochSeconds } = times;
    const { signal } = this;
    const sandbox = await this.sandbox.get();
    const lowers = await this.directories(parent);
    const begun = start === undefined ? undefined : await this.verifyLayer(start);
    const staged = await shelf.stage();
    try {
      if (begun !== undefined) {
        const known = this.verify === 'full' ? {} : { manifest: begun.manifest };
        await sandbox.copyLayer(begun.directory, staged.directory, { signal, ...known });
      }
      const made = await whileOpen(await sandbox.openTree({ lowers, upper: staged, epochSeconds, signal }), async (tree) => {
        const mountedOn = await this.mount(mounts, tree);
        await lookingForRoom([staged.directory], () => work(tree));
        return mountedOn;
      });
      if (made.length > 0) await this.removeEmpty(made, lowers, staged);
      const archive = shelf.archivePlace?.(staged);
      const { contents, ...manifest } = await sandbox.sealLayer(staged.directory, {
        ...times,
        signal,
        ...(archive === undefined ? {} : { archive }),
      });
      if (begun !== undefined) options.review?.(begun.manifest, manifest);
      const sign = async (files: string) => signedNow(await sandbox.statLayer(files, contents));
      const { layer, directory, signature } = await shelf.publish(staged, manifest, sign, archive);
      // Made just now: sealing read every byte of it, but for what it shares with the layer that it began with, verified above.
      if (directory !== undefined) {
        if (signature === undefined) this.verified.set(layer.digest, { directory, manifest });
        else this.made.set(layer.digest, { directory, signature });
      }
      return layer;
    } catch (error) {
      await shelf.abandon(staged).catch(() => undefined); // the cause says more; what stays is cleared by the next build
      throw error;
    }
  }

  async inspect<T>(
    tree: TreeRef,
    work: (tree: TreeSession) => Promise<T>,
    { mounts = [], epochSeconds = this.times.epochSeconds }: Pick<LayerOptions, 'mounts' | 'epochSeconds'> = {},
  ): Promise<T> {
    const sandbox = await this.sandbox.get();
    const lowers = await this.directories(tree);
    return whileOpen(await sandbox.openTree({ lowers, upper: undefined, epochSeconds, signal: this.signal }), async (session) => {
      await this.mount(mounts, session);
      return work(session);
    });
  }

  /** @returns the directories that were made to mount on and that the layer would keep, the deepest first. */
  private async mount(mounts: readonly TreeMount[], tree: SandboxTree): Promise<readonly TreePath[]> {
    const made: TreePath[] = [];
    for (const { source, at, writable } of mounts) {
      const parts = at.split('/').slice(1);
      const above = parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`);
      if (!at.startsWith('/run/')) for (const path of above) if ((await tree.stat(path)) === undefined) made.unshift(path);
      await tree.mount(typeof source === 'string' ? { path: source } : { lowers: await this.directories(source) }, at, writable);
    }
    return made;
  }

  /** Removes what was mounted on from a layer, with nothing mounted there; what a command put beside it stays. */
  private async removeEmpty(paths: readonly TreePath[], lowers: readonly string[], upper: StagedLayer): Promise<void> {
    const sandbox = await this.sandbox.get();
    await whileOpen(await sandbox.openTree({ lowers, upper, epochSeconds: this.times.epochSeconds, signal: this.signal }), async (tree) => {
      for (const path of paths) if ((await tree.list(path)).length === 0) await tree.remove(path);
    });
  }

  /**
   * Directories of a tree's layers, lowest first, each verified once a build, or made by it.
   *
   * @throws `ICT_LAYER_DAMAGED` when one is not what was stored; it is dropped, so that the next look-up misses.
   */
  async directories(tree: TreeRef): Promise<readonly string[]> {
    return (await this.layers(tree)).map(({ directory }) => directory);
  }

  async records(tree: TreeRef): Promise<readonly TreeRecord[]> {
    return (await this.merged(tree)).map(({ record }) => record);
  }

  async pack(tree: TreeRef, paths: readonly TreePath[], target: PackTarget): Promise<Packing> {
    const files = await this.files(tree, paths);
    return (await this.sandbox.get()).packFiles(files, target, this.signal);
  }

  async place(tree: TreeRef, contents: readonly ContentPlace[], file: string): Promise<void> {
    const files = await this.files(
      tree,
      contents.map(({ path }) => path),
    );
    const placed = files.map((one, index) => ({ ...one, offsetBytes: (contents[index] as ContentPlace).offsetBytes }));
    await (await this.sandbox.get()).placeFiles(placed, file, this.signal);
  }

  /** Where the contents of files lie on this machine; each name of a file leads to them, and the first of these is told its size. */
  private async files(
    tree: TreeRef,
    paths: readonly TreePath[],
  ): Promise<readonly { readonly path: string; readonly sizeBytes: number }[]> {
    const directories = await this.directories(tree);
    const entries = new Map((await this.merged(tree)).map((entry) => [entry.record.path, entry]));
    return paths.map((path) => {
      const file = entries.get(entries.get(path)?.record.hardlinkOf ?? path);
      if (file?.record.sizeBytes === undefined) throw new RangeError(`the tree has no file ${path}`);
      return { path: `${directories[file.layer]}${file.record.path}`, sizeBytes: file.record.sizeBytes };
    });
  }

  /** Whoever asks for contents of a tree has asked for its records before. */
  private async merged(tree: TreeRef): Promise<readonly MergedEntry[]> {
    const layers = await this.layers(tree);
    const merged = this.mergedTrees.get(tree) ?? mergeLayers(layers.map(({ manifest }) => manifest));
    this.mergedTrees.set(tree, merged);
    return merged;
  }

  private async layers(tree: TreeRef): Promise<readonly Pick<StoredLayer, 'directory' | 'manifest'>[]> {
    const layers: Pick<StoredLayer, 'directory' | 'manifest'>[] = [];
    for (const layer of tree.layers) layers.push(this.verified.get(layer.digest) ?? (await this.verifyLayer(layer)));
    return layers;
  }

  private async verifyLayer(layer: LayerRef): Promise<StoredLayer> {
    const stored = await this.shelf.find(layer);
    if (stored === undefined) throw this.shelf.isWithheld?.(layer) === true ? withheld(layer) : damaged(layer, ['the whole layer']);
    const changed = await this.changes(layer, stored);
    if (changed.length > 0) {
      await this.shelf.drop(layer);
      throw damaged(layer, changed.slice(0, 5));
    }
    this.verified.set(layer.digest, stored);
    return stored;
  }

  /**
   * What differs from the manifest. An unchanged stat signature answers at once; a changed one asks for every byte, and so does one of an earlier
   * run of the machine, once.
   */
  private async changes(layer: LayerRef, { directory, manifest, signature }: StoredLayer): Promise<readonly string[]> {
    const made = this.made.get(layer.digest);
    if (made?.directory === directory && made.signature.digest === signature.digest) return [];
    const sandbox = await this.sandbox.get();
    const { signal } = this;
    if (this.verify === 'signature' && !mayBeLost(signature)) {
      const quick = await sandbox.verifyLayer(directory, manifest, { mode: 'signature', signature: signature.digest, signal });
      if (quick.ok) return [];
    }
    if (!isProvenListing(manifest)) return ['its listing'];
    const { ok, changed } = await sandbox.verifyLayer(directory, manifest, { mode: 'full', signal });
    if (ok) await this.shelf.resign(layer, signedAgain(signature, await sandbox.statLayer(directory)));
    return ok ? [] : changed;
  }
}

/** Closes a tree after `work`. What that throws says more than what goes wrong in closing. */
async function whileOpen<T>(tree: SandboxTree, work: (tree: SandboxTree) => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work(tree);
  } catch (error) {
    await tree.close().catch(() => undefined);
    throw error;
  }
  await tree.close();
  return result;
}

function damaged(layer: LayerRef, changed: readonly string[]) {
  return coreError('ICT_LAYER_DAMAGED', {
    message: `a cached layer changed after it was stored: ${changed.join(', ')}`,
    hint: 'It was dropped; the next build makes it anew.',
    facts: { layer: layer.digest, changed },
  });
}

function withheld(layer: LayerRef) {
  return coreError('ICT_LAYER_DAMAGED', {
    message: 'a remote cache was to have a layer, and did not give it',
    hint: 'The next build makes it.',
    facts: { layer: layer.digest, withheld: true },
  });
}
