import { gatherUnread, listWorkspace, packageId, type Cache, type EntryFilter, type EntryKind, type Unseen } from '@ict/cache';
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
  const { unread, unseen } = gatherUnread();
  const kept = await listWorkspace(engine.workDir, unseen);
  const ofWork = kept.find(({ id }) => id === flags.key);
  const key = ofWork === undefined ? flags.key : undefined;
  if (cache === undefined && key !== undefined) findEntry([], key); // says that there is none
  const cleaned =
    cache === undefined ? nothingRemoved : await cache.clean(await chooser(cache, flags, key, unseen), { dryRun, signal: session.signal });
  const wanted = flags.workspace === true || flags.all === true;
  const workspace = kept.filter((entry) => (wanted || entry === ofWork) && (providerId === undefined || entry.provider === providerId));
  const stayed = dryRun ? [] : await finishRemoval(session, home, engine.workDir, cache, workspace);
  reportRemoval(session, withStayed({ dryRun, cache: cleaned, workspace, unread }, stayed));
}

/** @throws `ICT_CLI_USAGE` when nothing says what is to go. */
function requireChoice({ packages, workspace, images, layers, mounts, all, package: name, key }: CacheCleanFlags): void {
  if ([packages, workspace, images, layers, mounts, all].includes(true) || name !== undefined || key !== undefined) return;
  throw cliError('ICT_CLI_USAGE', {
    message: 'nothing says what to remove',
    hint: 'Name it: --packages, --workspace, --images, --layers, --mounts, --all, --package NAME or --key ID.',
  });
}

/** Which entries go; `key` is the beginning of the id of one. With a provider, only what belongs to that one: packages. */
async function chooser(cache: Cache, flags: CacheCleanFlags, key: string | undefined, unseen: Unseen): Promise<EntryFilter> {
  const { packages, images, layers, mounts, all, providerId, package: name } = flags;
  const one = key === undefined ? undefined : findEntry(await cache.entries(undefined, () => undefined), key); // what cannot be looked at is told by the removal
  const named = name === undefined ? new Set<string>() : await packagesNamed(cache, name, unseen);
  const kinds = new Set<EntryKind>([
    ...(packages === true ? (['package', 'twin'] as const) : []),
    ...(images === true ? (['image', 'blob'] as const) : []),
    ...(layers === true ? (['layer', 'step'] as const) : []),
    ...(mounts === true ? (['mount'] as const) : []),
  ]);
  return (entry) => {
    if (providerId !== undefined && entry.provider !== providerId) return false;
    if (one !== undefined && entry.kind === one.kind && entry.id === one.id) return true;
    if (entry.kind === 'package' && named.has(entry.id)) return true;
    if (entry.kind === 'twin' && named.has(packageId(entry.provider as string, entry.name))) return true;
    return all === true || kinds.has(entry.kind);
  };
}

/** Ids of the packages of one name, whatever their files are called. */
async function packagesNamed(cache: Cache, name: string, unseen: Unseen): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const provider of await cache.packageEntries.providers(unseen)) {
    for await (const entry of cache.packageEntries.entries(provider, unseen))
      if (entry.name === name) ids.add(packageId(provider, entry.fileName));
  }
  return ids;
}
