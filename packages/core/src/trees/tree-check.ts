import { basename } from 'node:path';
import type { Fault, StoredLayer } from '@ict/cache';
import { digestFromHex, isReadFailure, systemErrorOf } from '@ict/integrity';
import { hasCode, toErrorRecord } from '@ict/plugin-api';
import { isUnread, layerDigest, type LayerManifest, type Sandbox } from '@ict/sandbox';
import { currentUser, fileState, liveIn, readJson, recordIn, snapshotIn, snapshotRecordIn, type LiveRecord } from './base-tree-record.js';
import { isProvenListing } from './layer-listing.js';

const OTHER_LISTING = 'its listing is that of another layer';

/**
 * What a check showed. Undefined where no record vouches for what lies there, or for a tree of this user, and where a build replaced it
 * meanwhile.
 */
export type TreeVerdict = 'sound' | Fault | undefined;

/**
 * Compares every byte of a cached layer with its listing, and that with the digest that names the layer.
 *
 * @returns undefined for a sound one.
 * @throws what the sandbox throws for other reasons than the layer.
 */
export async function checkLayer(
  { directory, fs, manifest }: StoredLayer,
  sandbox: Pick<Sandbox, 'verifyLayer'>,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  let listing: Partial<LayerManifest>;
  try {
    listing = JSON.parse(manifest) as LayerManifest;
  } catch {
    return damaged('its listing is not JSON');
  }
  if (!isListing(listing) || layerDigest(listing.entries) !== digestFromHex(basename(directory))) return damaged(OTHER_LISTING);
  return compare(fs, listing, sandbox, signal).catch(layerFault);
}

/**
 * Compares every byte of the base tree in a work directory with its listing.
 *
 * @param directory `work_dir/{provider-id}`
 * @throws what the sandbox throws for other reasons than the tree.
 */
export async function checkBaseTree(directory: string, sandbox: Pick<Sandbox, 'verifyLayer'>, signal: AbortSignal): Promise<TreeVerdict> {
  const [file, live] = [recordIn(directory), liveIn(directory)];
  return unlessReplaced([file], async () => {
    const record = (await readJson<Partial<LiveRecord>>(file)) ?? {};
    const { manifest, user } = record;
    if (manifest === undefined || user !== currentUser() || (await fileState(live)) === undefined) return undefined;
    if (!isProvenListing(manifest)) return damaged(OTHER_LISTING);
    return (await compare(live, manifest, sandbox, signal)) ?? 'sound';
  });
}

/**
 * Compares every byte of a snapshot of a base tree with the digest that its record names. Nothing is unpacked.
 *
 * @param directory `work_dir/{provider-id}`
 * @throws what the sandbox throws for other reasons than the snapshot.
 */
export async function checkSnapshot(directory: string, sandbox: Pick<Sandbox, 'listArchive'>, signal: AbortSignal): Promise<TreeVerdict> {
  const [file, snapshot] = [snapshotRecordIn(directory), snapshotIn(directory)];
  return unlessReplaced([file, snapshot], async () => {
    const digest = (await readJson<{ digest?: string }>(file))?.digest;
    if (digest === undefined || (await fileState(snapshot)) === undefined) return undefined;
    const manifest = await sandbox.listArchive(snapshot, signal);
    return manifest.digest === digest ? 'sound' : damaged(`its content is ${manifest.digest}, not ${digest}`);
  });
}

function isListing(listing: Partial<LayerManifest>): listing is LayerManifest {
  return Array.isArray(listing.entries);
}

/** Paths that a fault names. */
const NAMED = 5;

async function compare(
  directory: string,
  listing: LayerManifest,
  sandbox: Pick<Sandbox, 'verifyLayer'>,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  const { ok, changed } = await sandbox.verifyLayer(directory, listing, { mode: 'full', signal });
  return ok ? undefined : damaged(changed.slice(0, NAMED).join(', ') || 'its content');
}

/** What the sandbox says of a layer or an archive that it could not list. @throws every other failure. */
function layerFault(error: unknown): Fault {
  if (!hasCode(error, 'ICT_SANDBOX_LAYER')) throw error;
  return { problem: isUnread(error) ? 'unreadable' : 'damaged', detail: toErrorRecord(error).message };
}

/** What a look shows, unless one of these files is another by then. */
async function unlessReplaced(files: readonly string[], look: () => Promise<TreeVerdict>): Promise<TreeVerdict> {
  const states = async (): Promise<string> => (await Promise.all(files.map(fileState))).join(', ');
  try {
    const before = await states();
    const verdict = await look().catch(layerFault);
    return (await states()) === before ? verdict : undefined;
  } catch (error) {
    if (systemErrorOf(error) === undefined) throw error;
    return { problem: isReadFailure(error) ? 'unreadable' : 'damaged', detail: toErrorRecord(error).message };
  }
}

function damaged(detail: string): Fault {
  return { problem: 'damaged', detail };
}
