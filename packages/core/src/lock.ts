import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { parse, stringify, type Pair } from 'yaml';
import { atomicWriteFile, canonicalJson, digestOf, isDigest, isStatedDigest } from '@ict/integrity';
import type { Digest, IndexRef, Json, Memo, PinnedRepository, ResolvedPackage, Snapshot } from '@ict/plugin-api';
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

const MEMO = 'lock';

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

/** What a lock says of the repositories that it was resolved from. */
export function pinnedRepositories(snapshots: readonly Snapshot[]): readonly PinnedRepository[] {
  return snapshots.map(({ repository: { id, archive, suite, components }, root, signers, indexes }) => ({
    id,
    archive,
    suite,
    components,
    root,
    signers,
    indexes,
  }));
}

/** Order of the fields, whatever order they have in memory; others follow by name. */
const FIELDS: readonly string[] = [
  ...['lockVersion', 'target', 'request', 'repositories', 'plugins', 'packages', 'tools'],
  ...[
    'id',
    'name',
    'version',
    'arch',
    'repository',
    'signer',
    'archive',
    'path',
    'digest',
    'sizeBytes',
    'installedSizeBytes',
    'dateSeconds',
  ],
  ...['suite', 'components', 'root', 'signers', 'indexes', 'byHash', 'plain', 'component', 'requires', 'requestedBy', 'source'],
];

/** Stable text: fields in a fixed order, packages sorted by id, one field a line, so that a change is read in a diff. */
export function formatLock(lock: Lock): string {
  const place = (key: string) => (FIELDS.includes(key) ? FIELDS.indexOf(key) : FIELDS.length);
  const fieldOrder = ({ key: a }: { key: { value: string } }, { key: b }: { key: { value: string } }) =>
    place(a.value) - place(b.value) || (a.value < b.value ? -1 : 1);
  return (
    HEADER + stringify(lock, { lineWidth: 0, aliasDuplicateObjects: false, sortMapEntries: fieldOrder as (a: Pair, b: Pair) => number })
  );
}

/** @returns whether the file changed. */
export async function writeLock(file: string, lock: Lock): Promise<boolean> {
  const text = formatLock(lock);
  if ((await readIfPresent(file)) === text) return false;
  await atomicWriteFile(file, text);
  return true;
}

/**
 * @param memo remembers what a text says as YAML: reading it again takes longer than all else that a question about a known lock needs.
 * @returns the lock, or undefined when the file does not exist.
 * @throws `ICT_LOCK_UNREADABLE`, `ICT_LOCK_NEWER`.
 */
export async function readLock(file: string, memo?: Memo): Promise<Lock | undefined> {
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  const question: Json = { text: digestOf(text) };
  const known = await memo?.get(MEMO, question);
  if (known !== undefined) return checkLock(file, known);
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0, logLevel: 'error' });
  } catch (cause) {
    throw unreadable(file, 'it is not YAML', cause);
  }
  const lock = checkLock(file, value);
  await memo?.set(MEMO, question, lock as unknown as Json);
  return lock;
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, (cause as Error).message, cause);
  }
}

/** Checks the shape of everything that a build reads of a lock: the file may have been edited or merged by hand. */
function checkLock(file: string, value: unknown): Lock {
  if (!isRecord(value)) throw unreadable(file, 'it is empty');
  if (Number.isInteger(value['lockVersion']) && (value['lockVersion'] as number) > 1) throw newer(file, value['lockVersion'] as number);
  if (value['lockVersion'] !== 1) throw unreadable(file, `it has lockVersion ${String(value['lockVersion'])}; this version reads 1`);
  const { target, request, repositories, plugins, packages, tools } = value;
  if (!isText(target) || !/^[\w.-]+$/.test(target)) throw unreadable(file, 'it names no target');
  if (!isDigestText(request)) throw unreadable(file, 'it does not say what was asked');
  if (!Array.isArray(repositories) || !Array.isArray(packages) || !Array.isArray(tools)) throw unreadable(file, 'a list is missing');
  if (!isRecord(plugins) || !Object.values(plugins).every(isText)) throw unreadable(file, 'it does not say which plugins resolved it');
  const bad = repositories.findIndex((repository) => !isPinned(repository));
  if (bad !== -1 || repositories.length === 0) throw unreadable(file, `repository ${bad + 1} is not complete`);
  const known = new Set((repositories as readonly PinnedRepository[]).map(({ id }) => id));
  for (const pkg of [...packages, ...tools] as readonly unknown[]) {
    if (!isLockedPackage(pkg) || !known.has(pkg.repository)) {
      throw unreadable(file, `the entry of ${isRecord(pkg) ? String(pkg['id']) : 'a package'} is not complete`);
    }
    if (!isPathBelow(pkg.path)) throw unreadable(file, `the path of ${pkg.id} leaves its archive`);
  }
  for (const list of [packages, tools] as readonly (readonly ResolvedPackage[])[]) {
    const ids = new Set<string>();
    for (const { id } of list) {
      if (ids.has(id)) throw unreadable(file, `${id} is listed twice`);
      ids.add(id);
    }
  }
  const lock = value as unknown as Lock;
  try {
    lockDigest(lock);
  } catch (cause) {
    throw unreadable(file, (cause as Error).message, cause);
  }
  return lock;
}

function isPinned(value: unknown): value is PinnedRepository {
  if (!isRecord(value) || !isRecord(value['root'])) return false;
  const { id, archive, suite, components, signers, root, indexes = [] } = value;
  const texts = isText(id) && isText(archive) && typeof suite === 'string' && isTextList(components) && isTextList(signers);
  if (!Array.isArray(indexes) || !indexes.every(isIndex)) return false;
  return texts && isText(root['path']) && isDigestText(root['digest']) && isTime(root['dateSeconds']) && isCount(root['sizeBytes']);
}

function isIndex(value: unknown): value is IndexRef {
  if (!isRecord(value)) return false;
  const { path, byHash, plain, component } = value;
  const paths = [path, ...(byHash === undefined ? [] : [byHash])].every(isPathBelow);
  return paths && isContent(value) && (plain === undefined || isContent(plain)) && (component === undefined || isText(component));
}

function isContent(value: unknown): boolean {
  return isRecord(value) && isStated(value['digest']) && isCount(value['sizeBytes']);
}

/** A path that stays below the archive. */
function isPathBelow(value: unknown): value is string {
  return isText(value) && !value.startsWith('/') && !value.split('/').includes('..');
}

function isLockedPackage(value: unknown): value is ResolvedPackage {
  if (!isRecord(value)) return false;
  const { id, name, version, arch, path, repository, sizeBytes, requires, requestedBy, digest } = value;
  const texts = [id, name, version, arch, path, repository].every(isText);
  const { source, maintainer, homepage, summary, signer } = value;
  const described = [maintainer, homepage, summary, signer].every((text) => text === undefined || typeof text === 'string');
  const sourced = source === undefined || (isRecord(source) && isText(source['name']) && isText(source['version']));
  return texts && described && sourced && isCount(sizeBytes) && isTextList(requires) && isTextList(requestedBy) && isStated(digest);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isDigestText(value: unknown): boolean {
  return typeof value === 'string' && isDigest(value);
}

/** A digest that a repository stated. */
function isStated(value: unknown): boolean {
  return typeof value === 'string' && isStatedDigest(value);
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Seconds since 1970 that a date can have. */
function isTime(value: unknown): value is number {
  return isCount(value) && value <= 8_640_000_000_000;
}

function unreadable(file: string, why: string, cause?: unknown) {
  return coreError('ICT_LOCK_UNREADABLE', {
    message: `lock file ${file} cannot be used: ${why}`,
    hint: 'Restore it from version control, or write it anew with `ict lock`.',
    facts: { file },
    cause,
  });
}

function newer(file: string, version: number) {
  return coreError('ICT_LOCK_NEWER', {
    message: `lock file ${file} has lockVersion ${version}; this version of ict reads 1`,
    hint: 'Use the version of ict that wrote it, or a newer one.',
    facts: { file, version },
  });
}
