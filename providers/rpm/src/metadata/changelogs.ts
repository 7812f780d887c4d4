import { digestParts } from '@ict/integrity';
import { formatCount, type ChangelogScope, type Context, type PackageChangelog, type PackageRecord, type Snapshot } from '@ict/plugin-api';
import { OtherReader } from './other.js';
import { indexOf, readIndex } from './read-index.js';

/**
 * The newest entries of the changelogs of some packages of a pinned repository. Nothing is kept of them but the file itself: they are read when
 * somebody asks, and never for a build.
 *
 * @returns undefined for a repository that publishes none.
 * @throws `ICT_RPM_INDEX_MISSING`, `ICT_RPM_INDEX_MISMATCH`, `ICT_RPM_INDEX_INVALID`, and what the fetcher throws.
 */
export async function findChangelogs(
  snapshot: Snapshot,
  { packages, newest }: ChangelogScope,
  ctx: Context,
): Promise<readonly PackageChangelog[] | undefined> {
  const { repository } = snapshot;
  const index = indexOf(snapshot, 'other');
  if (index === undefined) return undefined;
  const reader = new OtherReader(`${index.path} of repository "${repository.id}"`, packages.map(pkgidOf), newest);
  await readIndex(repository, index, ctx, (chunk) => reader.write(chunk));
  const { changelogs, diagnostics } = reader.finish();
  const [first] = diagnostics;
  if (first !== undefined) {
    ctx.emit({
      type: 'warning',
      code: 'ICT_RPM_INDEX_INVALID',
      message: `changelogs of ${formatCount(diagnostics.length, 'package')} of repository "${repository.id}" left out; the first is ${first.package}: ${first.reason}`,
      hint: 'The repository was published with broken metadata; report it to the repository.',
    });
  }
  return packages.map((pkg) => ({ name: pkg.name, version: pkg.version, arch: pkg.arch, entries: changelogs.get(pkgidOf(pkg)) ?? [] }));
}

/** How metadata names a package: the checksum of its file, as hex. */
function pkgidOf({ digest }: PackageRecord): string {
  return digestParts(digest).hex;
}
