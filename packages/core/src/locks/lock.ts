import { basename, dirname, extname, join } from 'node:path';
import { stringify, type Pair } from 'yaml';
import {
  atomicWriteFile,
  canonicalJson,
  digestOf,
  ensureDirectory,
  isDiskFull,
  readBounded,
  refuseSpecialFile,
  systemErrorOf,
} from '@ict/integrity';
import type { Digest, Json, Memo, PinnedRepository, ResolvedPackage, Snapshot } from '@ict/plugin-api';
import { coreError } from '../errors.js';
import { checkLock } from './lock-shape.js';
import { parseLock, unreadable } from './lock-source.js';
import type { RequestAnswers } from './request-answers.js';
import type { RequestRecord } from './request-record.js';
import { recordedArchive } from './request.js';

/** Everything that decides an image's packages: the content of `x.lock.yml`. An image is a function of this and the template. */
export interface Lock {
  readonly lockVersion: 1;
  readonly target: string;
  /** Digest of what was asked; a template whose request differs no longer fits. */
  readonly request: Digest;
  /** What was asked, of which `request` is the digest; absent in locks of earlier versions. */
  readonly asked?: RequestRecord;
  /** Which packages answer what was asked; absent in locks of earlier versions, and where a provider does not say. */
  readonly answers?: RequestAnswers;
  /** Digest of all that was resolved together (`contentDigest`); absent in locks of earlier versions. */
  readonly content?: Digest;
  readonly repositories: readonly PinnedRepository[];
  readonly plugins: Readonly<Record<string, string>>;
  readonly packages: readonly ResolvedPackage[];
  readonly tools: readonly ResolvedPackage[];
}

const MEMO = 'lock';

/** More than a lock of all packages of any archive has; whoever names a file may name one without an end. */
const MAX_BYTES = 256 * 1024 * 1024;

const HEADER = '# Written by `ict lock`. Keep it under version control: the image is a function of it.\n';

/** `x.yml` locks to `x.lock.yml`, beside it. */
export function lockPath(template: string): string {
  return join(dirname(template), `${basename(template, extname(template))}.lock.yml`);
}

/**
 * Names a lock by its content. What was asked is named by its digest, as in locks that do not tell it,
 * what answers that is among the packages, and `content` says again what is there.
 */
export function lockDigest(lock: Lock): Digest {
  return digestOf(canonicalJson({ ...lock, asked: undefined, answers: undefined, content: undefined } as unknown as Json));
}

/** The seed of every UUID of the image: what was asked, and which packages answer it. Repositories that are signed anew leave it as it is. */
export function lockSeed({ target, request, packages }: Lock): Digest {
  return digestOf(canonicalJson({ target, request, packages: packages.map(({ id, digest }) => `${id} ${digest}`) }));
}

/** The newest date of a signed root: the latest time that a file of the image may carry, seconds since 1970. */
export function lockEpoch(lock: Lock): number {
  return Math.max(...lock.repositories.map((repository) => repository.root.dateSeconds));
}

/** What the tree of tools needs and the image does not have: packages that both have count for the image. */
export function toolsAlone({ packages, tools }: Lock): readonly ResolvedPackage[] {
  const ofImage = new Set(packages.map(({ digest }) => digest));
  return tools.filter(({ digest }) => !ofImage.has(digest));
}

/** What a lock says of the repositories that it was resolved from. */
export function pinnedRepositories(snapshots: readonly Snapshot[]): readonly PinnedRepository[] {
  return snapshots.map(({ repository, root, signers, indexes }) => ({
    id: repository.id,
    archive: recordedArchive(repository),
    suite: repository.suite,
    components: repository.components,
    root,
    signers,
    indexes,
  }));
}

/** Order of the fields, whatever order they have in memory; others follow by name. */
const FIELDS: readonly string[] = [
  ...['lockVersion', 'target', 'request', 'asked', 'answers', 'content', 'image', 'repositories', 'plugins', 'packages', 'tools'],
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
  const sortMapEntries = fieldOrder as (a: Pair, b: Pair) => number;
  // In a block, a text of nothing but blanks and ends of lines would be read as another.
  return HEADER + stringify(lock, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: false, sortMapEntries });
}

/** @returns whether the file changed. @throws `ICT_LOCK_UNWRITABLE` */
export async function writeLock(file: string, lock: Lock): Promise<boolean> {
  const text = formatLock(lock);
  if ((await readIfPresent(file)) === text) return false;
  try {
    ensureDirectory(dirname(file));
    await atomicWriteFile(file, text);
  } catch (cause) {
    throw unwritable(file, cause);
  }
  return true;
}

function unwritable(file: string, cause: unknown): unknown {
  const reason = systemErrorOf(cause);
  if (reason === undefined) return cause;
  const full = isDiskFull(cause);
  return coreError('ICT_LOCK_UNWRITABLE', {
    message: `the lock file ${file} cannot be written: ${full ? `its disk is full (${reason})` : reason}`,
    hint: full
      ? 'Free space there; or name a file on another disk with --output, and give it to builds with --lock.'
      : 'Name a file in a directory of yours with --output, and give it to builds with --lock; or copy the template there.',
    facts: { file },
    cause,
  });
}

/**
 * @param memo remembers what a text says as YAML: reading it again takes longer than all else that a question about a known lock needs.
 * @param target that it should be for, where that is known: a lock for another one is read all the same, and only an error says more.
 * @returns the lock, or undefined when the file does not exist.
 * @throws `ICT_LOCK_UNREADABLE`, `ICT_LOCK_NEWER`.
 */
export async function readLock(file: string, memo?: Memo, target?: string): Promise<Lock | undefined> {
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  const source = { file, text };
  const question: Json = { text: digestOf(text) };
  const known = await memo?.get(MEMO, question);
  if (known !== undefined) return checkLock(source, known, target);
  const lock = checkLock(source, parseLock(source), target);
  await memo?.set(MEMO, question, lock as unknown as Json);
  return lock;
}

async function readIfPresent(file: string): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    refuseSpecialFile(file);
    bytes = await readBounded(file, MAX_BYTES);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable({ file }, (cause as Error).message, { cause });
  }
  if (bytes.length > MAX_BYTES) throw unreadable({ file }, `it has more than ${MAX_BYTES} bytes`);
  return bytes.toString();
}
