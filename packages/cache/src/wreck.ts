import { lstatSync, statSync } from 'node:fs';
import { isNoFile } from '@ict/integrity';
import type { Layout } from './layout.js';

/** What of a layout a place is freed with. */
export type FreesPlaces = Pick<Layout, 'setAside' | 'putBack'>;

/** What lies at a path, itself: a link counts as link. */
export interface Seen {
  readonly ino: bigint;
  /** Its kind and permissions. */
  readonly mode: bigint;
}

/** @returns undefined where nothing is. @throws Node's own errors. */
export function lookAt(path: string): (Seen & { isFile(): boolean }) | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/**
 * Frees the place of a file from what is none and leads to none: a directory, a link to itself or to nothing. No link is followed to be
 * removed, and a file that another process puts there meanwhile is put back.
 *
 * @throws Node's own errors where the system does not say what lies there, or refuses.
 */
export async function clearWreck(layout: FreesPlaces, path: string): Promise<void> {
  const seen = lookAt(path);
  if (seen === undefined || seen.isFile() || leadsToFile(path)) return;
  await removeSeen(layout, path, seen);
}

/** Takes away what was seen at a path. What another process put in its place meanwhile is put back. */
export async function removeSeen(layout: FreesPlaces, path: string, seen: Seen): Promise<void> {
  const aside = await layout.setAside(path);
  const moved = aside === undefined ? undefined : lookAt(aside);
  if (aside === undefined || moved === undefined) return; // another process was faster
  if (moved.ino !== seen.ino || moved.mode !== seen.mode) await layout.putBack(aside, path);
}

/** What lies in the place of a file, or of a layer or a part of one, and is none, counts as absent. @throws every other error. */
export function noFile(error: unknown): undefined {
  if (!isNoFile(error)) throw error;
}

function leadsToFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch (error) {
    if (!isNoFile(error)) throw error;
    return false;
  }
}
