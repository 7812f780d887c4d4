import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestAlgorithm, digestFromHex, digestFromIntegrity, errnoOf } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import type { StoreContext } from './content.js';
import type { ImageStore } from './image-store.js';
import { listEntries, type CacheEntry } from './inventory.js';
import type { LayerStore, StoredLayer } from './layer-store.js';
import { packageId, type PackageEntry, type PackageIndex } from './package-index.js';
import { listRecords, removeRecord } from './record-file.js';
import { statSignature } from './stat-signature.js';
import type { StepStore } from './step-store.js';
import { twinEntries, twinId, twinRecord, type TwinEntry } from './twin-entry.js';
import type { EntryKind } from './usage-journal.js';
import { noUses } from './uses.js';

/** Something that is not as it should be. */
export interface Finding {
  readonly kind: EntryKind;
  readonly id: string;
  readonly path: string;
  /**
   * `damaged`: its content is not what its name or record says. `dangling`: a record of something that is gone. `foreign`: a file
   * that no record knows; it is used only if a signed index lists exactly its content. Only damage is ever wrong.
   */
  readonly problem: 'damaged' | 'dangling' | 'foreign';
  readonly detail: string;
  readonly repaired: boolean;
}

export interface VerifyOptions {
  /** Take away what is damaged or dangling: it is made or fetched again when it is needed. */
  readonly repair?: boolean;
  /** Compares the files of a layer with its listing. @returns what differs. Without it, layers are not looked at. */
  readonly checkLayer?: (layer: StoredLayer) => Promise<readonly string[]>;
  /**
   * Makes the twin of a package anew and compares. @returns what differs; undefined when nothing does or it cannot be told. Without it, twins
   * are held to their records only.
   */
  readonly checkTwin?: (twin: TwinOfPackage) => Promise<string | undefined>;
  readonly signal?: AbortSignal;
}

/** A twin whose content is what its record says, and the file of its package, which is sound. */
export interface TwinOfPackage extends TwinEntry {
  readonly package: string;
}

export interface Verification {
  readonly checked: Readonly<Partial<Record<EntryKind, number>>>;
  readonly findings: readonly Finding[];
}

interface Parts {
  readonly store: StoreContext;
  readonly packages: PackageIndex;
  readonly steps: StepStore;
  readonly layers: LayerStore;
  readonly images: ImageStore;
}

/** Reads every byte of the cache and compares it, in both directions, with what records and names say. */
export async function verifyCache({ store, packages, steps, layers, images }: Parts, options: VerifyOptions): Promise<Verification> {
  const { layout, digestFile } = store;
  const { repair = false, checkLayer, checkTwin, signal } = options;
  const findings: Finding[] = [];
  const checked: Partial<Record<EntryKind, number>> = {};

  async function report(found: Omit<Finding, 'repaired'>, mend: () => Promise<unknown>): Promise<void> {
    const mending = repair && found.problem !== 'foreign';
    if (mending) await mend();
    findings.push({ ...found, repaired: mending });
  }

  async function each(kind: EntryKind, check: (entry: CacheEntry) => Promise<void>): Promise<void> {
    for (const entry of listEntries(layout, noUses, [kind])) {
      signal?.throwIfAborted();
      checked[kind] = (checked[kind] ?? 0) + 1;
      await check(entry);
    }
  }

  const damaged = (entry: CacheEntry, detail: string): Promise<void> =>
    report({ kind: entry.kind, id: entry.id, path: entry.path, problem: 'damaged', detail }, async () => {
      await layout.toTrash(entry.path);
      if (entry.kind === 'package') await packages.forget([entry.id]);
      if (entry.kind === 'twin') await removeRecord(twinRecord(layout, entry.provider as string, entry.name));
      if (entry.kind === 'blob' && isHex(entry.id)) await removeRecord(layout.record('blobs', entry.id));
    });

  /** @returns whether the file has the digest. */
  async function requireDigest(entry: CacheEntry, expected: Digest): Promise<boolean> {
    const detail = await digestFile(entry.path, digestAlgorithm(expected)).then(
      ({ digest }) => (digest === expected ? undefined : `its digest is ${digest}, not ${expected}`),
      (error: unknown) => {
        if (errnoOf(error) === undefined) throw error;
        return `it cannot be read: ${errnoOf(error)}`;
      },
    );
    if (detail !== undefined) await damaged(entry, detail);
    return detail === undefined;
  }

  const foreign = ({ kind, id, path }: CacheEntry): Promise<void> =>
    report({ kind, id, path, problem: 'foreign', detail: 'no record knows it' }, async () => undefined);

  const known = new Map<string, PackageEntry>();
  const sound = new Map<string, PackageEntry>();
  for (const provider of await packages.providers()) {
    for await (const entry of packages.entries(provider)) {
      const id = packageId(provider, entry.fileName);
      const path = join(layout.packages(provider), entry.fileName);
      if ((await statSignature(path)) !== undefined) known.set(id, entry);
      else await report({ kind: 'package', id, path, problem: 'dangling', detail: 'the file is gone' }, () => removeRecord(entry.path));
    }
  }
  await each('package', async (entry) => {
    const record = known.get(entry.id);
    if (record === undefined) return foreign(entry);
    if (await requireDigest(entry, digestFromIntegrity(record.integrity))) sound.set(entry.id, record);
  });

  const twins = new Map<string, TwinEntry>();
  for (const provider of await namesOf(join(layout.area('index'), 'twins'))) {
    for await (const { path: record, ...twin } of twinEntries(layout, provider)) {
      const id = twinId(provider, twin.fileName);
      const path = join(layout.area('twins'), provider, twin.fileName);
      if ((await statSignature(path)) !== undefined) twins.set(id, twin);
      else await report({ kind: 'twin', id, path, problem: 'dangling', detail: 'the file is gone' }, () => removeRecord(record));
    }
  }
  await each('twin', async (entry) => {
    const twin = twins.get(entry.id);
    if (twin === undefined) return foreign(entry);
    const soundTwin = await requireDigest(entry, digestFromIntegrity(twin.integrity));
    const provider = entry.provider as string;
    if (!soundTwin || sound.get(packageId(provider, entry.name))?.integrity !== twin.of) return;
    const detail = await checkTwin?.({ ...twin, package: join(layout.packages(provider), entry.name) });
    if (detail !== undefined) await damaged(entry, detail);
  });

  await each('blob', async (entry) => {
    if (isHex(entry.id)) await requireDigest(entry, digestFromHex(entry.id));
    else await damaged(entry, 'it has no digest for a name');
  });
  for await (const path of listRecords(join(layout.area('index'), 'blobs'))) {
    const id = basename(path, '.json');
    if (isHex(id) && (await statSignature(layout.blob(digestFromHex(id)))) !== undefined) continue;
    await report({ kind: 'blob', id, path, problem: 'dangling', detail: 'the file is gone' }, () => removeRecord(path));
  }

  const soundSteps = new Set<string>();
  for (const type of await namesOf(join(layout.area('index'), 'steps'))) {
    for await (const { key } of steps.records(type)) soundSteps.add(key);
  }
  await each('step', async (entry) => {
    if (!soundSteps.has(entry.id)) await damaged(entry, 'its content does not fit its key');
  });

  await each('image', async (entry) => {
    const faults = await images.check(entry.id);
    if (faults.length > 0) await damaged(entry, faults.join('; '));
  });

  if (checkLayer !== undefined) {
    await each('layer', async (entry) => {
      const layer = isHex(entry.id) ? await layers.get(digestFromHex(entry.id)) : undefined;
      const changed = layer === undefined ? ['a part of it is missing'] : await checkLayer(layer);
      if (changed.length > 0) await damaged(entry, changed.slice(0, 5).join(', '));
    });
  }
  return { checked, findings };
}

function isHex(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

async function namesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
