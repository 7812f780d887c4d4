import { bareAddress } from '@ict/plugin-api';
import { fetchError } from './errors.js';

/** Who proposed a mirror. */
export type MirrorSource = 'flag' | 'config' | 'host' | 'list' | 'definition';

/** A base address that may stand in for an archive. No trailing slash. */
export interface MirrorCandidate {
  readonly url: string;
  readonly source: MirrorSource;
}

/** By archive address: where to get it, in the order to try. */
export type MirrorMap = ReadonlyMap<string, readonly MirrorCandidate[]>;

/** Mirrors that somebody named, by the archive that they stand in for. */
export type NamedMirrors = Readonly<Record<string, readonly string[]>>;

export interface MirrorChoice {
  /** Archive to mirrors, in the order to try, from the command line. */
  readonly flags?: NamedMirrors;
  /** The same, from the configuration. */
  readonly config?: NamedMirrors;
  /** Base addresses that the host's own package manager uses; see `readHostSources`. */
  readonly hostSources?: readonly string[];
  /** Public addresses of the archives that the build uses, without user names and passwords. */
  readonly archives: readonly string[];
  /** Those of `archives`, and other addresses that are fetched, which need a user name and password: with these. */
  readonly credentialed?: readonly string[];
}

/** The address without slashes at its end. */
export function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

function lastSegment(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const segment = new URL(url).pathname.split('/').findLast((part) => part !== '');
  return segment;
}

function named(mapping: NamedMirrors | undefined, archive: string, source: MirrorSource): readonly MirrorCandidate[] | undefined {
  const entry = Object.entries(mapping ?? {}).find(([name]) => withoutTrailingSlash(bareAddress(name)) === archive);
  return entry?.[1].map((mirror) => ({ url: withoutTrailingSlash(mirror), source }));
}

function refuseUnfetchable({ url }: MirrorCandidate, archive: string): void {
  if (URL.canParse(url) && ['http:', 'https:', 'file:'].includes(new URL(url).protocol)) return;
  throw fetchError('ICT_FETCH_ADDRESS', {
    message: `"${bareAddress(url)}", the mirror of ${archive}, is not an http, https or file address`,
    hint: 'Write a whole address, such as http://mirror.example/debian.',
    facts: { archive, mirror: bareAddress(url) },
  });
}

/** Addresses of which somebody named mirrors. */
function namedAddresses(mapping: NamedMirrors = {}): readonly string[] {
  return Object.keys(mapping)
    .map((name) => withoutTrailingSlash(bareAddress(name)))
    .filter((name) => URL.canParse(name));
}

/**
 * Where each archive may be got. What a flag names, or else the configuration, are the only candidates of its archive, also of one that
 * `archives` does not have: files of a repository may lie elsewhere. Otherwise mirrors of the host come first whose last path segment is the
 * archive's (`/debian`, `/debian-security`), then the archive itself.
 * A host mirror counts only once its signed root verifies: see `Fetcher.chooseMirror`. An address that needs a user name and password is
 * a candidate with these, so that nobody else has to know them.
 *
 * @throws `ICT_FETCH_ADDRESS` for a mapping of an archive to something that is no address.
 */
export function chooseMirrors(choice: MirrorChoice): MirrorMap {
  const result = new Map<string, readonly MirrorCandidate[]>();
  const credentialed = Map.groupBy((choice.credentialed ?? []).map(withoutTrailingSlash), bareAddress);
  const archives = new Set([...choice.archives.map(withoutTrailingSlash), ...credentialed.keys()]);
  for (const archive of new Set([...archives, ...[choice.flags, choice.config].flatMap(namedAddresses)])) {
    const only = named(choice.flags, archive, 'flag') ?? named(choice.config, archive, 'config');
    if (only !== undefined) {
      // Of an address that is perhaps never asked it shows when it is.
      if (archives.has(archive)) for (const mirror of only) refuseUnfetchable(mirror, archive);
      result.set(archive, only);
      continue;
    }
    const segment = lastSegment(archive);
    const host = new Set(
      (choice.hostSources ?? [])
        .map(withoutTrailingSlash)
        .filter((url) => url !== archive && segment !== undefined && lastSegment(url) === segment),
    );
    const own = (credentialed.get(archive) ?? [archive]).map((url) => ({ url, source: 'definition' as const }));
    result.set(archive, [...Array.from(host, (url) => ({ url, source: 'host' as const })), ...own]);
  }
  return result;
}

/** The archive of `archives` that `url` lies in: equal to it, or below it. The longest wins. */
export function archiveOf(url: string, archives: Iterable<string>): string | undefined {
  let found: string | undefined;
  for (const archive of archives) {
    if ((url === archive || url.startsWith(`${archive}/`)) && archive.length > (found?.length ?? -1)) found = archive;
  }
  return found;
}
