import { keepContainer, recallContainer } from '@ict/package-index';
import { formatCount } from '@ict/plugin-api';
import type {
  Architecture,
  Context,
  IndexRef,
  Json,
  MetadataSource,
  MirrorList,
  PackageRecord,
  RepositorySpec,
  Snapshot,
} from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import { indexOf, readIndex } from './read-index.js';
import { PackagesIndex } from './packages-index.js';
import { PrimaryReader } from './primary.js';
import { CONTAINER, decodePrimary, encodePrimary } from './primary-columns.js';
import type { PrimaryColumns } from './primary-columns.js';
import { RelationTable } from '../relations/relation.js';
import { readMirrors } from './mirror-list.js';
import { ambiguousChoices, chooseData, HIDING, parseRepomd, repomdDate } from './repomd.js';
import type { Repomd } from './repomd.js';
import { fetchRoot, REPOMD } from './signed-root.js';

/** Between checks of the signal while records are streamed. */
const RECORDS_PER_CHECK = 1024;
/** Packages that are named when they are left out; there may be thousands. */
const MAX_TOLD = 5;

/** Reads rpm repositories: a signed repomd.xml, the metadata that it lists, and the packages that those describe. */
export function createMetadataSource(): MetadataSource {
  return { snapshot, packages, mirrors: readMirrors };
}

/**
 * Pins a repository as it is now.
 *
 * @throws `ICT_RPM_REPOMD_*`, `ICT_RPM_KEYRING_UNREADABLE`, and what the fetcher throws.
 */
async function snapshot(repository: RepositorySpec, _arch: Architecture, ctx: Context, list?: MirrorList): Promise<Snapshot> {
  const { bytes, signers } = await fetchRoot(repository, ctx, list?.roots);
  const repomd = parseRepomd(bytes, repository.id);
  const indexes = chooseData(repomd, repository);
  warnOfAmbiguous(repomd, indexes, repository, ctx);
  const unread = repomd.untrusted.find(({ type }) => type === 'updateinfo');
  if (unread !== undefined && !indexes.some(({ component }) => component === 'updateinfo')) {
    ctx.emit({
      type: 'warning',
      code: 'ICT_RPM_REPOMD_INVALID',
      message: `advisories of repository "${repository.id}" are not read: its repomd.xml lists them ${unread.fault}`,
    });
  }
  await refuseRollback(repomd, repository, ctx);
  // The root stays in the cache, so that the chain from key to package can be followed again later.
  const { digest, sizeBytes } = await ctx.blobs.putBytes(bytes);
  return { repository, root: { path: REPOMD, digest, sizeBytes, dateSeconds: repomdDate(repomd) }, signers, indexes };
}

/** Says which files were chosen from several of one type. */
function warnOfAmbiguous(repomd: Repomd, indexes: readonly IndexRef[], repository: RepositorySpec, ctx: Context): void {
  for (const { type, path } of ambiguousChoices(repomd, indexes)) {
    const which = type === HIDING ? 'all of them count' : `the first that can be trusted, ${path}, counts`;
    ctx.emit({
      type: 'warning',
      code: 'ICT_RPM_REPOMD_INVALID',
      message: `repomd.xml of repository "${repository.id}" lists several files as its ${type}: ${which}`,
      hint: 'The repository was published with broken metadata; report it to the repository.',
    });
  }
}

/**
 * Refuses a root that is older than the newest that was seen at this address: nothing in a repomd.xml says how long it is valid, so a
 * mirror could serve an old one, with its holes, for ever.
 */
async function refuseRollback(repomd: Repomd, repository: RepositorySpec, ctx: Context): Promise<void> {
  const dateSeconds = repomdDate(repomd);
  const key = { archive: repository.archive };
  const seen = await ctx.memo.get('rpm.newest', key);
  if (typeof seen === 'number' && dateSeconds < seen) {
    throw rpmError('ICT_RPM_REPOMD_ROLLBACK', {
      message: `repository "${repository.id}" is of ${utc(dateSeconds)}, but one of ${utc(seen)} was seen at the same address before`,
      hint: 'The mirror is behind: use another. When the repository was set back on purpose, remove the directory "memo" of the cache.',
      facts: { repository: repository.id, dateSeconds, seenSeconds: seen },
    });
  }
  if (seen !== dateSeconds) await ctx.memo.set('rpm.newest', key, dateSeconds);
}

function utc(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

async function* packages(pinned: Snapshot, ctx: Context): AsyncGenerator<PackageRecord> {
  const index = await loadPackages(pinned, ctx);
  for (let i = 0; i < index.count; i++) {
    if (i % RECORDS_PER_CHECK === 0) ctx.signal.throwIfAborted();
    if (index.arch(i) !== 'src') yield index.record(i, pinned.repository.id);
  }
}

/**
 * Loads the packages of a pinned repository, from metadata checked against what repomd.xml says. What was read of equal metadata is kept in
 * the cache, and not read again.
 *
 * @param table relations already made, to share them between repositories.
 * @returns the packages in the order of the metadata; one that cannot be used is left out, with a warning.
 * @throws `ICT_RPM_INDEX_MISSING`, `ICT_RPM_INDEX_MISMATCH`, `ICT_RPM_INDEX_INVALID`, and what the fetcher throws.
 */
export async function loadPackages(pinned: Snapshot, ctx: Context, table = new RelationTable()): Promise<PackagesIndex> {
  const { repository } = pinned;
  const primary = indexOf(pinned, 'primary');
  if (primary === undefined) throw new TypeError(`the snapshot of "${repository.id}" has no primary metadata`);
  const question: Json = { digest: primary.digest };
  let columns = await recallContainer(CONTAINER, question, ctx, decodePrimary);
  if (columns === undefined) {
    columns = await readPrimary(repository, primary, ctx);
    await keepContainer(CONTAINER, question, ctx, encodePrimary(columns));
  }
  const index = new PackagesIndex(columns, table);
  warnOfDropped(index, primary, repository, ctx);
  return index;
}

function warnOfDropped({ diagnostics }: PackagesIndex, { path }: IndexRef, repository: RepositorySpec, ctx: Context): void {
  const { length } = diagnostics;
  if (length === 0) return;
  const told = diagnostics.slice(0, MAX_TOLD).map((each) => `\n  ${path}: ${each.package}: ${each.reason}`);
  const more = length > told.length ? `\n  and ${length - told.length} more` : '';
  ctx.emit({
    type: 'warning',
    code: 'ICT_RPM_INDEX_INVALID',
    message: `${formatCount(length, 'package')} of repository "${repository.id}" left out:${told.join('')}${more}`,
    hint: 'The repository was published with broken metadata; report it to the repository.',
  });
}

async function readPrimary(repository: RepositorySpec, primary: IndexRef, ctx: Context): Promise<PrimaryColumns> {
  const reader = new PrimaryReader(`${primary.path} of repository "${repository.id}"`);
  await readIndex(repository, primary, ctx, (chunk) => reader.write(chunk));
  return reader.finish();
}
