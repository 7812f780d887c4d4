import { isContentAlgorithm, statedDigest } from '@ict/integrity';
import { isClimbing } from '@ict/package-index';
import type { Digest, IndexRef, RepositorySpec } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import { readLocationBase } from './location-base.js';
import { XmlReader } from './xml.js';

/** What a metadata file is: `primary`, `filelists`, `other`, `group`, `modules`, `updateinfo`, and others that are not read. */
export type DataType = string;

/** A metadata file as repomd.xml describes it. */
export interface RepomdData {
  readonly type: DataType;
  /** Address of the directory that its path is below, where it does not lie in the repository. */
  readonly archive?: string;
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** After decompression. */
  readonly plain: { readonly digest: Digest; readonly sizeBytes: number } | undefined;
  readonly timestampSeconds: number;
}

/** The root of a repository. */
export interface Repomd {
  /** As written: usually seconds since 1970. */
  readonly revision: string | undefined;
  readonly data: readonly RepomdData[];
  /** Files that lack what they need to be trusted. */
  readonly untrusted: readonly UntrustedData[];
  /** Types that are listed more than once, with different files. */
  readonly ambiguous: readonly DataType[];
}

export interface UntrustedData {
  readonly type: DataType;
  /** How it is listed: the end of a sentence. */
  readonly fault: string;
}

/** No real metadata file is larger, decompressed. */
export const MAX_INDEX_BYTES = 4 * 2 ** 30;

interface Draft {
  type: string;
  href?: string;
  base?: string;
  algorithm?: string;
  checksum?: string;
  openAlgorithm?: string;
  openChecksum?: string;
  size?: number;
  openSize?: number;
  timestamp?: number;
}

/**
 * Parses repomd.xml. Only SHA-256, SHA-384 and SHA-512 count: a file that is listed with another checksum has none.
 *
 * @throws `ICT_RPM_REPOMD_INVALID`
 */
export function parseRepomd(bytes: Uint8Array, repository: string): Repomd {
  const drafts: Draft[] = [];
  let revision: string | undefined;
  let draft: Draft | undefined;
  let algorithm: string | undefined;
  const reader = new XmlReader(
    {
      open(name, attributes) {
        if (name === 'data') drafts.push((draft = { type: attributes.get('type') ?? '' }));
        else if (name === 'location' && draft !== undefined) {
          draft.href = attributes.get('href');
          draft.base = attributes.get('base');
        } else if (name.endsWith('checksum')) algorithm = attributes.get('type');
        return ['revision', 'checksum', 'open-checksum', 'size', 'open-size', 'timestamp'].includes(name);
      },
      close(name, text) {
        const value = text.trimmed();
        if (name === 'data') draft = undefined;
        else if (name === 'revision' && draft === undefined) revision = value;
        else if (draft !== undefined) setValue(draft, name, value, algorithm);
      },
    },
    `repomd.xml of repository "${repository}"`,
  );
  try {
    reader.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    reader.end();
  } catch (cause) {
    throw invalid(repository, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (drafts.some(({ type }) => type === '')) throw invalid(repository, 'it lists a metadata file without a type');
  const listed = drafts.map((each) => toData(each, repository));
  return {
    revision,
    data: listed.filter((each) => 'digest' in each),
    untrusted: listed.filter((each) => 'fault' in each),
    ambiguous: ambiguousTypes(listed),
  };
}

/** Types of which there are several files, as far as is known: what differs in its place or date alone is one file. */
function ambiguousTypes(listed: readonly (RepomdData | UntrustedData)[]): readonly DataType[] {
  const byType = Map.groupBy(listed, ({ type }) => type);
  return [...byType].flatMap(([type, [first, ...others]]) => (others.every((other) => isSameFile(first!, other)) ? [] : [type]));
}

function isSameFile(a: RepomdData | UntrustedData, b: RepomdData | UntrustedData): boolean {
  return 'digest' in a && 'digest' in b && a.digest === b.digest && a.sizeBytes === b.sizeBytes;
}

function setValue(draft: Draft, name: string, value: string, algorithm: string | undefined): void {
  if (name === 'checksum') {
    draft.algorithm = algorithm;
    if (algorithm !== undefined && isContentAlgorithm(algorithm)) draft.checksum = value;
  } else if (name === 'open-checksum') {
    draft.openAlgorithm = algorithm;
    draft.openChecksum = value;
  } else if (name === 'size') draft.size = Number(value);
  else if (name === 'open-size') draft.openSize = Number(value);
  else if (name === 'timestamp') draft.timestamp = Math.trunc(Number(value));
}

/** @returns what a file lacks to be trusted where it does; whoever needs it says so. */
function toData(draft: Draft, repository: string): RepomdData | UntrustedData {
  const { type, href, base, algorithm = '', checksum, openAlgorithm = '', openChecksum = '', size, openSize, timestamp = 0 } = draft;
  if (href === undefined) return { type, fault: 'without a place' };
  const elsewhere = base === undefined || base === '' ? {} : readLocationBase(base);
  if ('fault' in elsewhere) return { type, fault: `as lying elsewhere (xml:base), ${elsewhere.fault}` };
  if (checksum === undefined)
    return { type, fault: algorithm === '' ? 'without a checksum' : `by a checksum of kind "${algorithm}", and only those of SHA-2 count` };
  if (size === undefined) return { type, fault: 'without a size' };
  const digest = statedDigest(algorithm, checksum);
  if (digest === undefined) throw invalid(repository, `the checksum of its ${type} is not what ${algorithm} gives`);
  if (!Number.isSafeInteger(size) || size <= 0) throw invalid(repository, `the size of its ${type} is no number of bytes`);
  if (!isBelow(href)) throw invalid(repository, `its ${type} lies outside the repository: ${href}`);
  const plain = statedDigest(openAlgorithm, openChecksum);
  const known = plain !== undefined && openSize !== undefined && Number.isSafeInteger(openSize) && openSize >= 0;
  return {
    type,
    ...elsewhere,
    path: href,
    digest,
    sizeBytes: size,
    plain: known ? { digest: plain, sizeBytes: openSize } : undefined,
    timestampSeconds: Number.isSafeInteger(timestamp) && timestamp > 0 && timestamp <= LATEST_SECONDS ? timestamp : 0,
  };
}

/** A relative path that cannot leave the repository. */
export function isBelow(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !/[\p{Cc}\\?#]/u.test(path) && !/^[a-z][a-z0-9+.-]*:/i.test(path) && !isClimbing(path);
}

/** Endings of the types of equal files in other forms, in the order in which they are taken: zchunk is the largest. */
const ENDINGS = ['', '_gz', '_zck'] as const;

/** Files that only inform: nothing that is installed depends on them. */
const INFORMING: ReadonlySet<DataType> = new Set(['other', 'updateinfo']);

/** Files that hide packages: of several of one type all are read, as what one of them hides must not be taken because of another. */
export const HIDING: DataType = 'modules';

/**
 * Which files of a repository are read, each under its type as component: primary must be there. Of several of one type the first that can be
 * trusted counts; of those that hide packages all do, and each must be one that can be trusted.
 */
export function chooseData(repomd: Repomd, repository: RepositorySpec): readonly IndexRef[] {
  const chosen = ['primary', 'filelists', 'group', 'modules', 'updateinfo', 'other'].flatMap((type) => {
    const names = namesOf(type);
    const name = names.find((each) => repomd.data.some((data) => data.type === each));
    // A file that cannot be read is not taken for one that is not there, unless it only informs; nor is another one instead, where all count.
    const untrusted = repomd.untrusted.find((each) =>
      name === undefined ? names.includes(each.type) : type === HIDING && each.type === name,
    );
    if (untrusted !== undefined && !INFORMING.has(type)) throw invalid(repository.id, `it lists its ${type} ${untrusted.fault}`);
    const listed = repomd.data.filter((each) => each.type === name);
    return (type === HIDING ? distinctFiles(listed) : listed.slice(0, 1)).map((data) => ({ type, data }));
  });
  if (chosen[0]?.type !== 'primary') throw invalid(repository.id, 'it lists no primary metadata');
  return chosen.map(({ type, data: { archive, path, digest, sizeBytes, plain } }) => ({
    ...(archive === undefined ? {} : { archive }),
    path,
    digest,
    sizeBytes,
    ...(plain === undefined ? {} : { plain }),
    component: type,
  }));
}

function distinctFiles(listed: readonly RepomdData[]): readonly RepomdData[] {
  return listed.filter((data, at) => listed.findIndex((other) => isSameFile(data, other)) === at);
}

/** Twins of a file have the type with an ending, such as group_gz and primary_zck. */
function namesOf(type: DataType): readonly DataType[] {
  return ENDINGS.map((ending) => `${type}${ending}`);
}

/** Of the files that {@link chooseData} chose those that were chosen from several of one type. */
export function ambiguousChoices({ ambiguous, data }: Repomd, chosen: readonly IndexRef[]): readonly RepomdData[] {
  const choices = ambiguous.flatMap((type) => data.find((each) => each.type === type) ?? []);
  return choices.filter(({ type, path }) => chosen.some((index) => index.path === path && namesOf(index.component!).includes(type)));
}

/** What is greater counts in milliseconds, and says nothing: as long as a revision that is a time. */
const LATEST_SECONDS = 99_999_999_999;

/** The date of a repository, seconds since 1970: its revision where that is a time, else the newest of its files. */
export function repomdDate({ revision, data }: Repomd): number {
  const number = /^\d{9,11}$/.test(revision ?? '') ? Number(revision) : 0;
  return number > 0 ? number : data.reduce((newest, { timestampSeconds }) => Math.max(newest, timestampSeconds), 0);
}

function invalid(repository: string, reason: string, cause?: unknown): Error {
  return rpmError('ICT_RPM_REPOMD_INVALID', {
    message: `repomd.xml of repository "${repository}" cannot be used: ${reason}`,
    hint: 'The repository was published with broken metadata; report it to the repository.',
    facts: { repository, reason },
    ...(cause === undefined ? {} : { cause }),
  });
}
