import {
  gatherUnread,
  listWorkspace,
  packageId,
  type Cache,
  type EntryFilter,
  type EntryKind,
  type Unseen,
  type WorkspaceEntry,
} from '@ict/cache';
import { askIfMeant, nearestNames } from '@ict/package-index';
import type { CacheCleanFlags } from '../cache-commands.js';
import { cliError } from '../errors.js';
import { changeCache } from '../open-cache.js';
import { findOwnHome, finishRemoval, nothingRemoved, reportRemoval, withStayed } from '../removal.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { findEntry } from '../views/cache-entry-text.js';

/** `ict cache clean`: removes what the flags choose. */
export async function cacheClean(session: Session, flags: CacheCleanFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const { dryRun = false, providerId } = flags;
  requireChoice(flags);
  const home = await findOwnHome(session, engine);
  const cache = await changeCache(home, dryRun);
  const sight = gatherUnread();
  const kept = await listWorkspace(engine.workDir, sight.unseen);
  const ofWork = kept.find(({ id }) => id === flags.key);
  const key = ofWork === undefined ? flags.key : undefined;
  if (cache === undefined && key !== undefined) findEntry([], key); // says that there is none
  const named = await namedPackages(cache, flags, kept, sight);
  const parts = { key, named, unseen: sight.unseen };
  const cleaned =
    cache === undefined ? nothingRemoved : await cache.clean(await chooser(cache, flags, parts), { dryRun, signal: session.signal });
  const wanted = flags.workspace === true || flags.all === true;
  const workspace = kept.filter((entry) => (wanted || entry === ofWork) && (providerId === undefined || entry.provider === providerId));
  const stayed = dryRun ? [] : await finishRemoval(session, home, engine.workDir, cache, workspace);
  reportRemoval(session, withStayed({ dryRun, cache: cleaned, workspace, unread: sight.unread }, stayed));
}

/** @throws `ICT_CLI_USAGE` when nothing says what is to go. */
function requireChoice({ packages, workspace, images, layers, mounts, all, package: name, key }: CacheCleanFlags): void {
  if ([packages, workspace, images, layers, mounts, all].includes(true) || name !== undefined || key !== undefined) return;
  throw cliError('ICT_CLI_USAGE', {
    message: 'nothing says what to remove',
    hint: 'Name it: --packages, --workspace, --images, --layers, --mounts, --all, --package NAME or --key ID.',
  });
}

/** What {@link chooser} goes by, beside the flags. */
interface ChoiceParts {
  /** The beginning of the id of one entry. */
  readonly key: string | undefined;
  /** Ids of packages. */
  readonly named: ReadonlySet<string>;
  readonly unseen: Unseen;
}

/** Which entries go. With a provider, only what belongs to that one: packages. */
async function chooser(cache: Cache, flags: CacheCleanFlags, { key, named, unseen }: ChoiceParts): Promise<EntryFilter> {
  const { packages, images, layers, mounts, all, providerId } = flags;
  const one = key === undefined ? undefined : findEntry(await cache.entries(undefined, () => undefined), key); // what cannot be looked at is told by the removal
  const kinds = new Set<EntryKind>([
    ...(packages === true ? (['package', 'twin'] as const) : []),
    ...(images === true ? (['image'] as const) : []),
    ...(layers === true ? (['layer', 'step'] as const) : []),
    ...(mounts === true ? (['mount'] as const) : []),
  ]);
  const disks = images === true ? cache.resultBlobs(unseen) : new Set<string>();
  return (entry) => {
    if (providerId !== undefined && entry.provider !== providerId) return false;
    if (one !== undefined && entry.kind === one.kind && entry.id === one.id) return true;
    if (entry.kind === 'package' && named.has(entry.id)) return true;
    if (entry.kind === 'blob' && disks.has(entry.id)) return true;
    if (entry.kind === 'twin' && named.has(packageId(entry.provider as string, entry.name))) return true;
    return all === true || kinds.has(entry.kind);
  };
}

/**
 * Ids of the packages that `--package` means, whatever their files are called.
 *
 * @throws `ICT_CLI_CACHE_UNKNOWN` when nothing of that name or of that provider is kept, unless something could not be read.
 */
async function namedPackages(
  cache: Cache | undefined,
  { package: name, providerId }: CacheCleanFlags,
  workspace: readonly WorkspaceEntry[],
  { unread, unseen }: ReturnType<typeof gatherUnread>,
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  if (name === undefined && providerId === undefined) return ids;
  const known = (await cache?.packageEntries.providers(unseen)) ?? [];
  const providers = new Set([...known, ...workspace.map(({ provider }) => provider)]);
  if (providerId !== undefined && !providers.has(providerId) && unread.length === 0) {
    throw unknown(`nothing of ${JSON.stringify(providerId)} is kept`, providerId, providers);
  }
  if (name === undefined) return ids;
  const names = new Set<string>();
  for (const provider of known.filter((each) => providerId === undefined || each === providerId)) {
    for await (const entry of cache!.packageEntries.entries(provider, unseen)) {
      names.add(entry.name);
      if (entry.name === name) ids.add(packageId(provider, entry.fileName));
    }
  }
  if (ids.size === 0 && unread.length === 0) {
    const place = providerId === undefined ? '' : ` of ${providerId}`;
    throw unknown(`no package ${JSON.stringify(name)}${place} is kept`, name, names);
  }
  return ids;
}

function unknown(message: string, id: string, known: Iterable<string>): Error {
  const hint = askIfMeant(nearestNames(id, known)) ?? '`ict cache list` shows what there is.';
  return cliError('ICT_CLI_CACHE_UNKNOWN', { message, hint, facts: { id } });
}
