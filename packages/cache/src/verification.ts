import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  digestAlgorithm,
  digestFromHex,
  digestFromIntegrity,
  errnoOf,
  ignoreSystemError,
  isReadFailure,
  systemErrorOf,
} from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import type { StoreContext } from './store-context.js';
import type { ImageStore } from './image-store.js';
import { entryDirectories, listEntries, type CacheEntry } from './inventory.js';
import { readLayer, type StoredLayer } from './layer-store.js';
import { isPackageEntry, packageId, type PackageEntry, type PackageEntries } from './package-entries.js';
import { listRecords, readRecord } from './record-file.js';
import { statSignature } from './stat-signature.js';
import type { StepStore } from './step-store.js';
import { isTwinEntry, twinId, twinRecord, type TwinEntry } from './twin-entry.js';
import type { EntryKind } from './usage-journal.js';
import { noUses } from './uses.js';

/** What is wrong with something that is kept. */
export interface Fault {
  /**
   * `damaged`: its content is not what its name or record says. `unreadable`: the system does not let it be read, as on a failing disk, so
   * that nothing is known of its content.
   */
  readonly problem: 'damaged' | 'unreadable';
  readonly detail: string;
}

/** Something that is not as it should be. */
export interface Finding {
  readonly kind: EntryKind;
  readonly id: string;
  readonly path: string;
  /**
   * A fault; or `dangling`: a record of something that is gone; `foreign`: a file that no record knows; it is used only if a signed index lists
   * exactly its content. What is dangling or foreign is never wrong.
   */
  readonly problem: Fault['problem'] | 'dangling' | 'foreign';
  readonly detail: string;
  readonly repaired: boolean;
}

export interface VerifyOptions {
  /**
   * Take away what is damaged or dangling: it is made or fetched again when it is needed. What cannot be read stays, and so does what is in a
   * directory of another user, or on a file system that is only read.
   */
  readonly repair?: boolean;
  /** Compares the files of a layer with its listing. @returns what is wrong. Without it, layers are not looked at. */
  readonly checkLayer?: (layer: StoredLayer) => Promise<Fault | undefined>;
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
  readonly packages: PackageEntries;
  readonly steps: StepStore;
  readonly images: ImageStore;
}

/** What a look showed; undefined for what is sound. */
type Verdict = Pick<Finding, 'problem' | 'detail'> | undefined;

const GONE = { problem: 'dangling', detail: 'the file is gone' } as const;
const FOREIGN = { problem: 'foreign', detail: 'no record knows it' } as const;

/**
 * Reads every byte of the cache and compares it, in both directions, with what records and names say. Builds may go on meanwhile: what they
 * replace or remove while it is looked at is passed over.
 */
export async function verifyCache({ store, packages, steps, images }: Parts, options: VerifyOptions): Promise<Verification> {
  const { layout, digestFile } = store;
  const { repair = false, checkLayer, checkTwin, signal } = options;
  const findings: Finding[] = [];
  const checked: Partial<Record<EntryKind, number>> = {};

  async function report(found: Omit<Finding, 'repaired'>, takeAway: () => Promise<unknown>): Promise<void> {
    const mending = repair && (found.problem === 'damaged' || found.problem === 'dangling');
    findings.push({ ...found, repaired: mending && (await unlessRefused(takeAway)) });
  }

  async function each(kind: EntryKind, look: (entry: CacheEntry) => Promise<Verdict>): Promise<void> {
    for (const entry of await entriesOf(kind)) {
      signal?.throwIfAborted();
      const { id, path } = entry;
      const before = stateOf(path);
      const verdict = await verdictOf(() => look(entry));
      if (verdict !== undefined && stateOf(path) !== before) continue;
      checked[kind] = (checked[kind] ?? 0) + 1;
      if (verdict !== undefined) await report({ kind, id, path, ...verdict }, () => takeAway(entry));
    }
  }

  /** Entries of a kind. Where some are, but the system does not say which, or lets one not be looked at, that is reported. */
  async function entriesOf(kind: EntryKind): Promise<readonly CacheEntry[]> {
    for (const directory of entryDirectories(layout, kind)) await listed(kind, directory, namesOf);
    const unseen = new Map<string, Fault>();
    const found = listEntries(layout, noUses, [kind], (path, error) => void unseen.set(path, faultOf(error)));
    for (const { path } of findings) unseen.delete(path); // told by its record
    for (const [path, fault] of unseen) await report({ kind, id: basename(path), path, ...fault }, () => layout.toTrash(path));
    return found;
  }

  async function takeAway({ kind, id, path, name, provider }: CacheEntry): Promise<void> {
    await layout.toTrash(path);
    if (kind === 'package') await packages.forget([id]);
    if (kind === 'twin') await layout.toTrash(twinRecord(layout, provider as string, name));
    if (kind === 'blob' && isHex(id)) await layout.toTrash(layout.record('blobs', id));
  }

  /** What lies in a directory; one that cannot be read is reported. */
  async function listed(
    kind: EntryKind,
    directory: string,
    list: (directory: string) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    let found: readonly string[] = [];
    const verdict = await verdictOf(async () => {
      found = await list(directory);
      return undefined;
    });
    const place = { kind, id: basename(directory), path: directory };
    if (verdict !== undefined) await report({ ...place, ...verdict }, () => layout.toTrash(directory));
    return found;
  }

  /** Records that can be read; those that cannot are reported. */
  async function* recordsIn<T extends object>(
    kind: EntryKind,
    directory: string,
    accept: (value: unknown) => value is T,
  ): AsyncGenerator<T & { readonly path: string }, void, undefined> {
    for (const path of await listed(kind, directory, recordsOf)) {
      let record: T | undefined;
      const verdict = await verdictOf(async () => {
        record = await readRecord(path, accept);
        return undefined;
      });
      if (verdict !== undefined) await report({ kind, id: basename(path, '.json'), path, ...verdict }, () => layout.toTrash(path));
      else if (record !== undefined) yield { ...record, path };
    }
  }

  /** Whether the file that a record speaks of is there; when it is not, that is reported. */
  async function isThere(file: string, found: Pick<Finding, 'kind' | 'id' | 'path'>, record: string): Promise<boolean> {
    const verdict = await verdictOf(async () => ((await statSignature(file)) === undefined ? GONE : undefined));
    if (verdict?.problem === 'damaged') return true; // something is there, which is looked at as all files are
    if (verdict?.problem === 'unreadable' && findings.some(({ path }) => path === file)) return true; // told already
    if (verdict !== undefined) await report({ ...found, ...verdict }, () => layout.toTrash(record));
    return verdict === undefined;
  }

  async function compare({ path }: CacheEntry, expected: Digest): Promise<Verdict> {
    const { digest } = await digestFile(path, digestAlgorithm(expected));
    return digest === expected ? undefined : damaged(`its digest is ${digest}, not ${expected}`);
  }

  const known = new Map<string, PackageEntry>();
  const sound = new Map<string, PackageEntry>();
  const packageRecords = join(layout.area('index'), 'packages');
  for (const provider of await listed('package', packageRecords, namesOf)) {
    for await (const record of recordsIn('package', join(packageRecords, provider), isPackageEntry)) {
      const id = packageId(provider, record.fileName);
      const path = join(layout.packages(provider), record.fileName);
      if (await isThere(path, { kind: 'package', id, path }, record.path)) known.set(id, record);
    }
  }
  await each('package', async (entry) => {
    const record = known.get(entry.id);
    if (record === undefined) return FOREIGN;
    const verdict = await compare(entry, digestFromIntegrity(record.integrity));
    if (verdict === undefined) sound.set(entry.id, record);
    return verdict;
  });

  const twins = new Map<string, TwinEntry>();
  const twinRecords = join(layout.area('index'), 'twins');
  for (const provider of await listed('twin', twinRecords, namesOf)) {
    for await (const { path: record, ...twin } of recordsIn('twin', join(twinRecords, provider), isTwinEntry)) {
      const id = twinId(provider, twin.fileName);
      const path = join(layout.area('twins'), provider, twin.fileName);
      if (await isThere(path, { kind: 'twin', id, path }, record)) twins.set(id, twin);
    }
  }
  await each('twin', async (entry) => {
    const twin = twins.get(entry.id);
    if (twin === undefined) return FOREIGN;
    const verdict = await compare(entry, digestFromIntegrity(twin.integrity));
    const provider = entry.provider as string;
    if (verdict !== undefined || sound.get(packageId(provider, entry.name))?.integrity !== twin.of) return verdict;
    const detail = await checkTwin?.({ ...twin, package: join(layout.packages(provider), entry.name) });
    return detail === undefined ? undefined : damaged(detail);
  });

  await each('blob', async (entry) => (isHex(entry.id) ? compare(entry, digestFromHex(entry.id)) : damaged('it has no digest for a name')));
  for (const path of await listed('blob', join(layout.area('index'), 'blobs'), recordsOf)) {
    const id = basename(path, '.json');
    const found = { kind: 'blob', id, path } as const;
    if (isHex(id)) await isThere(layout.blob(digestFromHex(id)), found, path);
    else await report({ ...found, ...GONE }, () => layout.toTrash(path));
  }

  await each('step', async ({ name, path }) =>
    (await steps.isSound(name, path)) ? undefined : damaged('its content does not fit its key'),
  );

  await each('image', async ({ id }) => {
    const faults = await images.check(id);
    return faults.length === 0 ? undefined : damaged(faults.join('; '));
  });

  if (checkLayer !== undefined) {
    await each('layer', async ({ id, path }) => {
      const layer = isHex(id) ? await readLayer(path) : undefined;
      return layer === undefined ? damaged('a part of it is missing') : checkLayer(layer);
    });
  }
  return { checked, findings };
}

function damaged(detail: string): Fault {
  return { problem: 'damaged', detail };
}

/** What a look shows, or that the system refuses it. */
async function verdictOf(look: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await look();
  } catch (error) {
    return faultOf(error);
  }
}

/** What the system's refusal means. @throws every other error. */
function faultOf(error: unknown): Fault {
  const reason = systemErrorOf(error);
  if (reason === undefined) throw error;
  return { problem: isReadFailure(error) ? 'unreadable' : 'damaged', detail: `it cannot be read: ${reason}` };
}

/** Another text for each file or directory that lies at a place, and after each change of it. */
function stateOf(path: string): string | undefined {
  try {
    const { ino, ctimeNs } = lstatSync(path, { bigint: true });
    return `${ino} ${ctimeNs}`;
  } catch (error) {
    if (systemErrorOf(error) === undefined) throw error;
    return errnoOf(error);
  }
}

/** False where the system does not let it be done: it is another user's, in use, or its file system is only read or in trouble. */
async function unlessRefused(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    ignoreSystemError(error);
    return false;
  }
}

function isHex(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

async function recordsOf(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const path of listRecords(directory)) found.push(path);
  return found;
}

/** Sorted, so that what is found is told in the same order each time. */
async function namesOf(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
