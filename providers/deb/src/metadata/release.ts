import { digestFromHex, digestHex } from '@ict/integrity';
import type { Digest, IndexRef, RepositorySpec } from '@ict/plugin-api';
import { parseStanzas } from './deb822.js';
import type { Stanza } from './deb822.js';
import { debError } from '../errors.js';
import { parseRfc822Date } from './rfc822-date.js';

/** A file that a Release file lists. */
export interface ReleaseFile {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** What a Release file says of its suite. */
export interface Release {
  readonly origin: string | undefined;
  readonly label: string | undefined;
  readonly suite: string | undefined;
  readonly codename: string | undefined;
  readonly version: string | undefined;
  readonly dateSeconds: number;
  readonly validUntilSeconds: number | undefined;
  readonly architectures: readonly string[];
  /** Names as index paths have them: Debian's security archive writes `updates/main` for `main`. */
  readonly components: readonly string[];
  readonly acquireByHash: boolean;
  /** apt's priority of all its packages where no one says another; undefined for an ordinary suite. */
  readonly priority: number | undefined;
  /** Packages of architecture `all` stand in the index of each architecture; there is no use for `binary-all`. */
  readonly allInEveryIndex: boolean;
  /** By path below the Release file. Only SHA-256 counts. */
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

/** How far ahead of our clock a Release file may be dated: clocks differ. */
const FUTURE_SECONDS = 24 * 3600;

/** Largest decompressed index that is read. Debian's largest has 60 MB. */
export const MAX_INDEX_BYTES = 1024 * 1024 * 1024;

/** Compressions in the order in which we prefer them. */
const SUFFIXES = ['.xz', '.zst', '.gz', ''] as const;

/**
 * Parses the text of a Release file; of a clear-signed one, only the text that the signature covers.
 *
 * @throws `ICT_DEB_STANZA_INVALID`; `ICT_DEB_RELEASE_INVALID` when it is not one stanza, or Date or a listed file cannot be read;
 * `ICT_DEB_RELEASE_WEAK` when it gives no SHA-256 digests. MD5 and SHA-1 count as absent.
 */
export function parseRelease(text: string, repository: string): Release {
  const stanzas = parseStanzas(text, { source: `Release of repository "${repository}"` });
  const stanza = stanzas[0];
  if (stanza === undefined || stanzas.length !== 1) throw invalid(repository, `it has ${stanzas.length} paragraphs, not one`);
  const date = dateOf(stanza, 'Date', repository);
  if (date === undefined) throw invalid(repository, 'it has no Date');
  return {
    origin: stanza.get('Origin'),
    label: stanza.get('Label'),
    suite: stanza.get('Suite'),
    codename: stanza.get('Codename'),
    version: stanza.get('Version'),
    dateSeconds: date,
    validUntilSeconds: dateOf(stanza, 'Valid-Until', repository),
    architectures: words(stanza.get('Architectures')),
    components: words(stanza.get('Components')).map((name) => name.slice(name.lastIndexOf('/') + 1)),
    acquireByHash: says(stanza, 'Acquire-By-Hash'),
    priority: says(stanza, 'NotAutomatic') ? (says(stanza, 'ButAutomaticUpgrades') ? 100 : 1) : undefined,
    allInEveryIndex: words(stanza.get('No-Support-for-Architecture-all')).includes('Packages'),
    files: filesOf(stanza, repository),
  };
}

function says(stanza: Stanza, field: string): boolean {
  return stanza.get(field)?.toLowerCase() === 'yes';
}

function dateOf(stanza: Stanza, field: string, repository: string): number | undefined {
  const text = stanza.get(field);
  if (text === undefined) return undefined;
  const seconds = parseRfc822Date(text);
  if (seconds === undefined) throw invalid(repository, `its ${field} "${text}" is not a date`);
  return seconds;
}

function words(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function filesOf(stanza: Stanza, repository: string): ReadonlyMap<string, ReleaseFile> {
  const files = new Map<string, ReleaseFile>();
  for (const line of stanza.lines('SHA256')) {
    if (line.trim() === '') continue;
    const match = /^\s*([0-9a-fA-F]{64})\s+([0-9]{1,15})\s+(\S+)$/.exec(line);
    if (match === null) throw invalid(repository, `its SHA256 line "${line.trim().slice(0, 200)}" cannot be read`);
    const path = match[3].replace(/^(?:\.\/)+/, '');
    if (!files.has(path)) files.set(path, { digest: digestFromHex(match[1].toLowerCase()), sizeBytes: Number(match[2]) });
  }
  if (files.size > 0) return files;
  const others = ['MD5Sum', 'SHA1', 'SHA512'].filter((name) => stanza.get(name) !== undefined);
  throw debError('ICT_DEB_RELEASE_WEAK', {
    message: `the Release file of repository "${repository}" lists no SHA256 digests${others.length > 0 ? `, only ${others.join(', ')}` : ''}`,
    hint: 'Publish the repository with SHA256 digests; MD5 and SHA1 are not trusted.',
    facts: { repository, sections: others },
  });
}

function invalid(repository: string, why: string): Error {
  return debError('ICT_DEB_RELEASE_INVALID', {
    message: `the Release file of repository "${repository}" cannot be used: ${why}`,
    hint: 'The repository was published with a broken Release file; report it to the repository.',
    facts: { repository },
  });
}

/**
 * Checks what a verified Release file says of itself against the definition and the clock.
 *
 * @param nowSeconds the time to judge by.
 * @throws `ICT_DEB_RELEASE_MISMATCH`, `ICT_DEB_RELEASE_FUTURE`, `ICT_DEB_RELEASE_EXPIRED`.
 */
export function checkRelease(release: Release, repository: RepositorySpec, nowSeconds: number): void {
  const expected = repository.expect ?? {};
  for (const field of ['origin', 'label', 'codename'] as const) {
    const wanted = expected[field];
    if (wanted !== undefined && release[field] !== wanted) {
      throw debError('ICT_DEB_RELEASE_MISMATCH', {
        message: `repository "${repository.id}" says that its ${field} is "${release[field] ?? ''}"; "${wanted}" was expected`,
        hint: 'The mirror serves another suite or another distribution. Use another mirror, or correct "expect" in the definition.',
        facts: { repository: repository.id, field, expected: wanted, actual: release[field] },
      });
    }
  }
  if (release.dateSeconds > nowSeconds + FUTURE_SECONDS) {
    throw debError('ICT_DEB_RELEASE_FUTURE', {
      message: `the Release file of repository "${repository.id}" is dated ${iso(release.dateSeconds)}; it is ${iso(nowSeconds)} here`,
      hint: 'Set the clock of this machine.',
      facts: { repository: repository.id, dateSeconds: release.dateSeconds, nowSeconds },
    });
  }
  if (release.validUntilSeconds !== undefined && release.validUntilSeconds < nowSeconds) {
    throw debError('ICT_DEB_RELEASE_EXPIRED', {
      message: `the Release file of repository "${repository.id}" was valid until ${iso(release.validUntilSeconds)}; it is ${iso(nowSeconds)} here`,
      hint: 'The mirror is out of date, or somebody withholds updates: use another mirror, and check the clock of this machine.',
      facts: { repository: repository.id, validUntilSeconds: release.validUntilSeconds, nowSeconds },
    });
  }
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** True when the suite ends in `/`: indexes lie beside the Release file, and there are no components. */
export function isFlat(repository: RepositorySpec): boolean {
  return repository.suite.endsWith('/');
}

/** Directory of the Release file below the archive, with a trailing slash; empty for a flat repository at the archive's root. */
export function releaseDirectory(repository: RepositorySpec): string {
  return isFlat(repository) ? repository.suite.replace(/^(?:\.?\/)+/, '') : `dists/${repository.suite}/`;
}

/**
 * Chooses the `Packages` indexes to read: for each component the one of the architecture, the one for `all` when the repository keeps
 * such packages apart, and those of other architectures that the repository has and may be read. Of each the best compression: xz, zst,
 * gz, none.
 *
 * @param debArch Debian's name of the architecture.
 * @throws `ICT_DEB_ARCHITECTURE_MISSING`, `ICT_DEB_COMPONENT_MISSING`, naming what there is.
 */
export function chooseIndexes(release: Release, repository: RepositorySpec, debArch: string): readonly IndexRef[] {
  const directory = releaseDirectory(repository);
  if (isFlat(repository)) {
    const index = indexAt(release, directory, 'Packages', undefined);
    if (index === undefined) throw componentMissing(repository, 'Packages', []);
    return [index];
  }
  const { architectures } = release;
  const foreign = (repository.foreignArchitectures ?? []).filter((arch) => architectures.length === 0 || architectures.includes(arch));
  // Where nothing is kept for the image's own architecture, another one is what the repository is there for.
  const main = architectures.length === 0 || architectures.includes(debArch) ? debArch : foreign[0];
  if (main === undefined) throw architectureMissing(release, repository, debArch);
  const hasAll = !release.allInEveryIndex && architectures.includes('all');
  const indexes: IndexRef[] = [];
  for (const component of repository.components) {
    const indexOf = (arch: string): IndexRef | undefined => indexAt(release, directory, `${component}/binary-${arch}/Packages`, component);
    const first = indexOf(main);
    if (first === undefined) {
      const available = componentsOf(release, main);
      if (available.length === 0) throw architectureMissing(release, repository, main);
      throw componentMissing(repository, component, available);
    }
    const others = [...(hasAll ? ['all'] : []), ...foreign.filter((arch) => arch !== main)];
    indexes.push(first, ...others.map(indexOf).filter((index) => index !== undefined));
  }
  if (indexes.length === 0) throw componentMissing(repository, '', componentsOf(release, main));
  return indexes;
}

function indexAt(release: Release, directory: string, path: string, component: string | undefined): IndexRef | undefined {
  const plain = release.files.get(path);
  for (const suffix of SUFFIXES) {
    const file = release.files.get(path + suffix);
    if (file === undefined) continue;
    const below = path.slice(0, path.lastIndexOf('/') + 1);
    return {
      path: `${directory}${path}${suffix}`,
      ...(release.acquireByHash ? { byHash: `${directory}${below}by-hash/SHA256/${digestHex(file.digest)}` } : {}),
      ...file,
      ...(plain === undefined ? {} : { plain }),
      ...(component === undefined ? {} : { component }),
    };
  }
  return undefined;
}

/** Components that have an index for the architecture, sorted. */
function componentsOf(release: Release, debArch: string): readonly string[] {
  const found = new Set<string>();
  for (const path of release.files.keys()) {
    const match = /^(.+)\/binary-([^/]+)\/Packages(?:\.xz|\.zst|\.gz)?$/.exec(path);
    if (match !== null && match[2] === debArch && !match[1].includes('/')) found.add(match[1]);
  }
  return [...found].sort();
}

function componentMissing(repository: RepositorySpec, component: string, available: readonly string[]): Error {
  const what = component === '' ? 'is used without a component' : `has no index for component "${component}"`;
  return debError('ICT_DEB_COMPONENT_MISSING', {
    message: `repository "${repository.id}" (${repository.suite}) ${what}`,
    hint:
      available.length > 0
        ? `Available are: ${available.join(', ')}.`
        : 'The repository lists no Packages index in a format that can be read (xz, zst, gz, plain).',
    facts: { repository: repository.id, component, available },
  });
}

function architectureMissing(release: Release, repository: RepositorySpec, debArch: string): Error {
  return debError('ICT_DEB_ARCHITECTURE_MISSING', {
    message: `repository "${repository.id}" (${repository.suite}) has no packages for architecture "${debArch}"`,
    hint: `Available are: ${release.architectures.join(', ') || 'none'}.`,
    facts: { repository: repository.id, architecture: debArch, available: release.architectures },
  });
}
