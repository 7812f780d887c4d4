import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { atomicWriteFile, canonicalJson, digestOf, parseDigest } from '@ict/integrity';
import type { Digest, Json, PinnedRepository, ResolvedPackage } from '@ict/plugin-api';
import { coreError } from './errors.js';

/** Everything that decides an image's packages: the content of `x.lock.yml`. An image is a function of this and the template. */
export interface Lock {
  readonly lockVersion: 1;
  readonly target: string;
  /** Digest of what was asked; a template whose request differs no longer fits. */
  readonly request: Digest;
  readonly repositories: readonly PinnedRepository[];
  readonly plugins: Readonly<Record<string, string>>;
  readonly packages: readonly ResolvedPackage[];
  readonly tools: readonly ResolvedPackage[];
}

const HEADER = '# Written by `ict lock`. Keep it under version control: the image is a function of it.\n';

/** `x.yml` locks to `x.lock.yml`, beside it. */
export function lockPath(template: string): string {
  return join(dirname(template), `${basename(template, extname(template))}.lock.yml`);
}

/** Names a lock by its content: the seed of every UUID of the image. */
export function lockDigest(lock: Lock): Digest {
  return digestOf(canonicalJson(lock as unknown as Json));
}

/** The newest date of a signed root: the latest time that a file of the image may carry, seconds since 1970. */
export function lockEpoch(lock: Lock): number {
  return Math.max(...lock.repositories.map((repository) => repository.root.dateSeconds));
}

/** Stable text: keys in a fixed order, packages sorted by id, one field a line, so that a change is read in a diff. */
export function formatLock(lock: Lock): string {
  return HEADER + stringify(lock, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** @returns whether the file changed. */
export async function writeLock(file: string, lock: Lock): Promise<boolean> {
  const text = formatLock(lock);
  if ((await readIfPresent(file)) === text) return false;
  await atomicWriteFile(file, text);
  return true;
}

/** @returns the lock, or undefined when the file does not exist. @throws `ICT_LOCK_UNREADABLE`. */
export async function readLock(file: string): Promise<Lock | undefined> {
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw unreadable(file, 'it is not YAML', cause);
  }
  return checkLock(file, value);
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, (cause as Error).message, cause);
  }
}

function checkLock(file: string, value: unknown): Lock {
  const lock = value as Lock;
  if (typeof lock !== 'object' || lock === null) throw unreadable(file, 'it is empty');
  if (lock.lockVersion !== 1) throw unreadable(file, `it has lockVersion ${String(lock.lockVersion)}; this version reads 1`);
  const isText = (field: unknown): field is string => typeof field === 'string' && field !== '';
  const isCount = (field: unknown): field is number => Number.isSafeInteger(field) && (field as number) >= 0;
  if (!isText(lock.target) || !isText(lock.request)) throw unreadable(file, 'it names no target or request');
  for (const list of [lock.repositories, lock.packages, lock.tools]) if (!Array.isArray(list)) throw unreadable(file, 'a list is missing');
  const repositories = new Set<string>();
  for (const repository of lock.repositories) {
    if (!isText(repository.id) || !isText(repository.archive) || !isCount(repository.root?.dateSeconds)) {
      throw unreadable(file, 'a repository is not complete');
    }
    parseDigest(repository.root.digest);
    repositories.add(repository.id);
  }
  for (const pkg of [...lock.packages, ...lock.tools]) {
    const complete =
      [pkg.id, pkg.name, pkg.version, pkg.arch, pkg.path, pkg.repository].every(isText) &&
      isCount(pkg.sizeBytes) &&
      Array.isArray(pkg.requires) &&
      Array.isArray(pkg.requestedBy);
    if (!complete || !repositories.has(pkg.repository)) throw unreadable(file, `the entry of ${String(pkg.id)} is not complete`);
    if (pkg.path.split('/').includes('..')) throw unreadable(file, `the path of ${pkg.id} leaves its archive`);
    parseDigest(pkg.digest);
  }
  return lock;
}

function unreadable(file: string, why: string, cause?: unknown) {
  return coreError('ICT_LOCK_UNREADABLE', {
    message: `lock file ${file} cannot be used: ${why}`,
    hint: 'Restore it from version control, or write it anew with `ict lock`.',
    facts: { file },
    cause,
  });
}
