import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { bareAddress, normalFingerprint, type TemplateRepository } from '@ict/plugin-api';
import { findLocal } from './additional-file.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import type { Report, SpecReports } from '../problems/report.js';
import type { Template } from '../schema/template.js';
import { isPlaceholder } from './user.js';

type Repository = NonNullable<Template['packageRepositories']>[number];

/** What sample templates have where an address belongs. */
export const URL_PLACEHOLDER = '<URL>';
/** Says that a repository needs no signature. */
export const TRUSTED = '[trusted=yes]';

/** True for a key or a package that has to be fetched from somewhere. */
export function isRemote(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(name);
}

/** True for an address that something can be fetched from. */
function isFetchable(address: string): boolean {
  return URL.canParse(address) && /^(?:https?|file):$/.test(new URL(address).protocol);
}

/**
 * Reads one repository. One that is only a placeholder is left out with a warning; one without address or key is an error,
 * because nothing is installed without a signature that leads to a key.
 *
 * @returns undefined for what is left out
 */
export async function readRepository(
  item: Repository,
  at: Path,
  merged: MergedTemplate,
  reports: SpecReports,
): Promise<TemplateRepository | undefined> {
  const { error, warning } = reports;
  const sources = [item.url, item.path, item.packages].filter((source) => source !== undefined);
  if (sources.length !== 1) {
    error('ICT_TEMPLATE_REPOSITORY', at, `repository "${item.codename}" needs one of url, path and packages, and has ${sources.length}`);
    return undefined;
  }
  if (item.url === URL_PLACEHOLDER) {
    warning('ICT_TEMPLATE_PLACEHOLDER', [...at, 'url'], `repository "${item.codename}" is a placeholder and is left out`);
    return undefined;
  }
  if (item.url !== undefined && !isFetchable(item.url)) {
    const hint = 'It begins with http://, https:// or file://.';
    error('ICT_TEMPLATE_REPOSITORY', [...at, 'url'], `${JSON.stringify(bareAddress(item.url))} is not the address of a repository`, hint);
  }
  if (item.component !== undefined && item.codename.endsWith('/')) {
    const hint = `Leave "component" out, or name a suite: a codename that ends in "/" is the directory of a flat repository.`;
    error('ICT_TEMPLATE_REPOSITORY', [...at, 'component'], `repository "${item.codename}" is flat and has no components`, hint);
  }
  const origin = merged.originOf(at);
  const named: readonly (readonly [string, Path])[] = [
    ...(item.pkey === undefined ? [] : [[item.pkey, [...at, 'pkey']] as const]),
    ...(item.pkeys ?? []).map((key, index) => [key, [...at, 'pkeys', index]] as const),
  ];
  const keys: string[] = [];
  for (const [key, place] of named) {
    if (!isRemote(key) || isFetchable(key)) continue;
    const hint = 'It begins with https://, http:// or file://; a path of this machine has nothing like it before it.';
    error('ICT_TEMPLATE_REPOSITORY', place, `${JSON.stringify(bareAddress(key))} is not the address of a key`, hint);
  }
  for (const [key, place] of named) {
    const local = key !== TRUSTED && !isRemote(key) && !isPlaceholder(key);
    keys.push(local ? await findLocal(key, place, merged, reports.refuse, 'file') : key);
  }
  if ((keys.length === 0 && item.packages === undefined) || keys.some((key) => /<[A-Za-z0-9_]+>$/.test(key))) {
    const hint = 'Give the key that signs it as "pkey": a path, or an address with its "fingerprints".';
    error('ICT_TEMPLATE_REPOSITORY', at, `repository "${item.codename}" has no key`, hint);
  }
  const position = origin?.layer.positions?.positionOf(origin.path);
  return {
    codename: item.codename,
    ...(item.url === undefined ? {} : { url: item.url.replace(/\/+$/, '') }),
    ...(item.path === undefined ? {} : await readDirectory(item.path, [...at, 'path'], merged, reports.refuse)),
    ...(item.packages === undefined ? {} : { packages: await readFiles(item.packages, [...at, 'packages'], merged, reports.refuse) }),
    ...(item.insecureSkipVerify ? { insecureSkipVerify: true } : {}),
    components: (item.component ?? '').split(/[\s,]+/).filter((word) => word !== ''),
    keys,
    ...(item.fingerprints === undefined || item.fingerprints.length === 0
      ? {}
      : { fingerprints: item.fingerprints.map(normalFingerprint) }),
    ...(item.priority === undefined ? {} : { priority: item.priority }),
    allowPackages: item.allowPackages ?? [],
    excludePackages: item.excludePackages ?? [],
    ...(position === undefined ? {} : { position }),
  };
}

/** A directory of this machine, which is read as the archive that lies at its address. */
async function readDirectory(
  named: string,
  at: Path,
  merged: MergedTemplate,
  refuse: Report,
): Promise<Pick<TemplateRepository, 'path' | 'url' | 'recordedAs'>> {
  const found = await findLocal(named, at, merged, refuse, 'directory');
  const bare = found.replace(/(?<=.)\/+$/, '');
  const home = merged.layers.at(-1)?.directory;
  const isOwn = home !== undefined && !path.isAbsolute(named);
  return { path: bare, url: pathToFileURL(bare).href, ...(isOwn ? { recordedAs: relativeName(home, bare) } : {}) };
}

/** A path from the directory of the template itself, as of those that are printed. It begins with a dot, so that nobody takes it for an address. */
function relativeName(home: string, found: string): string {
  const relative = path.relative(home, found) || '.';
  return /^\.\.?(?:\/|$)/.test(relative) ? relative : `./${relative}`;
}

/** Package files: addresses as they are, those of this machine absolute. */
async function readFiles(files: readonly string[], at: Path, merged: MergedTemplate, refuse: Report): Promise<string[]> {
  const read: string[] = [];
  for (const [index, file] of files.entries()) {
    read.push(isRemote(file) ? file : await findLocal(file, [...at, index], merged, refuse, 'file'));
  }
  return read;
}
