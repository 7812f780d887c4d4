import { statSync } from 'node:fs';
import { errnoOf, fileStateOf } from '@ict/integrity';
import type { FileState } from '@ict/plugin-api';

/**
 * What the file system said of a file whose content was hashed: while all of it is the same, so is the content. It detects
 * accidents, and a same-size edit with restored times too (its ctime moves); it does not detect root. The number of the device is no
 * part of it: network storage has another on each machine, and often after each mount.
 */
export type StatSignature = FileState;

/** @returns undefined when there is no regular file. */
export async function statSignature(file: string): Promise<StatSignature | undefined> {
  try {
    // Synchronous: a trip through Node's thread pool takes ten times as long, and an unchanged build makes hundreds.
    const entry = statSync(file, { bigint: true, throwIfNoEntry: false });
    return entry?.isFile() === true ? fileStateOf(entry) : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

export function sameSignature(a: StatSignature, b: StatSignature): boolean {
  return a.ino === b.ino && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/** Whether two states of a file differ at most as another name makes them: in the last change of its attributes. */
export function sameButForNames(a: StatSignature, b: StatSignature): boolean {
  return sameSignature({ ...a, ctimeNs: b.ctimeNs }, b);
}

export function isStatSignature(value: unknown): value is StatSignature {
  if (typeof value !== 'object' || value === null) return false;
  const { ino, sizeBytes, mtimeNs, ctimeNs } = value as Record<string, unknown>;
  return [ino, mtimeNs, ctimeNs].every((field) => typeof field === 'string') && typeof sizeBytes === 'number';
}
