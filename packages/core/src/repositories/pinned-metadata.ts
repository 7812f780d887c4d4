import { AbsentFiles } from '@ict/package-index';
import { isIctError } from '@ict/plugin-api';
import type { Architecture, Context, PinnedRepository, Provider, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { coreError } from '../errors.js';
import { pinRepositories } from './pinning.js';
import { reachingMirrors } from './repository-mirrors.js';
import type { Services } from '../services.js';

/** The repositories that a question is about, in one state. */
export interface PinnedMetadata {
  readonly snapshots: readonly Snapshot[];
  /** To read them with. */
  readonly context: Context;
  /** The lock file whose state it is; undefined when the repositories were asked as they are now. */
  readonly file?: string;
}

/**
 * The repositories as a lock pins them, without asking them: what is read later comes from the cache or, by its digest, from the
 * archive or one of its mirrors. Without a lock, or with one of an earlier version that does not name what was read, they are pinned as they are now.
 *
 * @param repositories what the template asks of them: keys, priorities.
 * @param locked the repositories of the lock, if there is one.
 * @param file where the lock lies; undefined when it was made just now.
 */
export async function openPinned(
  repositories: readonly RepositorySpec[],
  locked: readonly PinnedRepository[] | undefined,
  file: string | undefined,
  { arch, provider }: { readonly arch: Architecture; readonly provider: Provider },
  { context, mirrors }: Pick<Services, 'context' | 'mirrors'>,
): Promise<PinnedMetadata> {
  const snapshots = lockedSnapshots(repositories, locked ?? []);
  if (snapshots !== undefined) {
    const reaching = reachingMirrors(repositories, (repository) => mirrors.list(repository, provider), context);
    return { snapshots, context: reaching, ...(file === undefined ? {} : { file }) };
  }
  if (file !== undefined) {
    context.emit({
      type: 'warning',
      code: 'ICT_LOCK_WITHOUT_INDEXES',
      message: `${file} does not say which indexes it was made from; the answer is about the repositories as they are now`,
      hint: 'Write it anew with `ict lock`.',
    });
  }
  return { snapshots: await pinRepositories(repositories, arch, provider, mirrors, context), context };
}

/** The repositories as a lock pins them; undefined when it does not say of each which indexes it was made from. */
export function lockedSnapshots(
  repositories: readonly RepositorySpec[],
  locked: readonly PinnedRepository[],
): readonly Snapshot[] | undefined {
  const known = new Map(locked.map((pinned) => [pinned.id, pinned]));
  const snapshots = repositories.flatMap((repository): Snapshot[] => {
    const { root, signers, indexes } = known.get(repository.id) ?? {};
    return root === undefined || signers === undefined || indexes === undefined ? [] : [{ repository, root, signers, indexes }];
  });
  return snapshots.length === repositories.length ? snapshots : undefined;
}

/**
 * Runs a question over pinned metadata.
 *
 * @throws `ICT_METADATA_GONE` when the state that a lock names can be read neither from the cache nor from the archive or its mirrors; as it is
 * what fails because a download is forbidden.
 */
export async function readPinned<T>(
  { snapshots, context, file }: PinnedMetadata,
  read: (snapshots: readonly Snapshot[], context: Context) => Promise<T>,
): Promise<T> {
  try {
    return await read(snapshots, context);
  } catch (cause) {
    if (file === undefined || !isIctError(cause) || !UNREADABLE.has(cause.kind)) throw cause;
    throw coreError('ICT_METADATA_GONE', {
      message: `the repositories cannot be read as they were when ${file} was made: ${cause.message}`,
      hint: 'Archives drop old indexes: ask where the cache still has them, name a mirror that keeps them, or move on with `ict lock`.',
      facts: { file },
      cause,
    });
  }
}

/** Reads one repository after the other. @throws offline, when all have been tried, of all that is absent. */
export async function readEach(snapshots: readonly Snapshot[], read: (snapshot: Snapshot) => Promise<void>): Promise<void> {
  const absent = new AbsentFiles();
  for (const snapshot of snapshots) await absent.without(read(snapshot));
  absent.refuse();
}

/** Kinds of failure that mean: what was asked for is not to be had. Nobody has looked for it with `--offline`. */
const UNREADABLE: ReadonlySet<string> = new Set(['network', 'integrity']);
