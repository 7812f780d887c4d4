import type { ChangelogEntry, Context, PackageRecord, Provider, Snapshot } from '@ict/plugin-api';

/** Entries of a package that people are told. */
const NEWEST = 10;

/**
 * The newest entries of the changelogs of packages, as far as indexes have them; a warning says which indexes have none.
 *
 * @returns by the packages that were asked about; those of repositories that publish no changelogs are left out.
 * @throws what reading an index throws: whoever asks for changelogs wants them.
 */
export async function readChangelogs<T extends PackageRecord>(
  packages: readonly T[],
  snapshots: readonly Snapshot[],
  { catalogue, ecosystem }: Pick<Provider, 'catalogue' | 'ecosystem'>,
  context: Context,
): Promise<ReadonlyMap<T, readonly ChangelogEntry[]>> {
  const told = new Map<T, readonly ChangelogEntry[]>();
  if (catalogue?.changelogs === undefined) {
    warn(`the indexes of ${ecosystem} repositories have no changelogs`, context);
    return told;
  }
  for (const snapshot of snapshots) {
    const { id } = snapshot.repository;
    const own = packages.filter(({ repository }) => repository === id);
    if (own.length === 0) continue;
    const found = await catalogue.changelogs(snapshot, { packages: own, newest: NEWEST }, context);
    if (found === undefined) warn(`repository "${id}" has no changelogs among its indexes`, context);
    else own.forEach((pkg, place) => told.set(pkg, found[place].entries));
  }
  return told;
}

function warn(message: string, context: Context): void {
  context.emit({
    type: 'warning',
    code: 'ICT_CATALOGUE_NO_CHANGELOGS',
    message,
    hint: 'Most packages bring their changelog along, as a file below /usr/share/doc.',
  });
}
