import { compareText } from '@ict/integrity';
import type { DistributionDefinition, InstalledPackage, Inventory, TreeSession } from '@ict/plugin-api';
import { parseStanzas } from '../metadata/deb822.js';
import type { Stanza } from '../metadata/deb822.js';
import { debError } from '../errors.js';
import { readCopyright } from '../spdx-licence.js';
import { formatPurl } from '../purl.js';

const STATUS = '/var/lib/dpkg/status';

/** Reads what dpkg's database in a tree says is installed, and the licences that the packages' own copyright files declare. */
export function createInventory(): Inventory {
  return { list, owners, purl };
}

/** Installed packages, sorted by name and architecture; none when the tree has no dpkg database. */
async function list(tree: TreeSession): Promise<readonly InstalledPackage[]> {
  const status = await tree.read(STATUS);
  if (status === undefined) return [];
  const installed = parseStatus(new TextDecoder().decode(status));
  return Promise.all(installed.map(async (pkg) => ({ ...pkg, ...(await licenceOf(pkg.name, tree)) })));
}

/** Packages whose list of files has this path. */
async function owners(path: string, tree: TreeSession): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await tree.list('/var/lib/dpkg/info')) {
    const [, name] = /\/([^/:]+)(?::[^/]+)?\.list$/.exec(entry.path) ?? [];
    if (name === undefined) continue;
    const lines = new TextDecoder().decode(await tree.read(entry.path)).split('\n');
    if (lines.includes(path)) found.push(name);
  }
  return found.sort();
}

async function licenceOf(name: string, tree: TreeSession): Promise<Pick<InstalledPackage, 'licence' | 'copyright'>> {
  const bytes = await tree.read(`/usr/share/doc/${name}/copyright`);
  const declared = bytes === undefined ? undefined : readCopyright(new TextDecoder().decode(bytes));
  if (declared === undefined) return {};
  return { licence: declared.licence, ...(declared.copyright === undefined ? {} : { copyright: declared.copyright }) };
}

/**
 * Parses dpkg's status file. Packages that are not installed completely (removed with configuration left, half-installed) are not listed.
 *
 * @returns packages sorted by name and architecture.
 * @throws `ICT_DEB_STANZA_INVALID`; `ICT_DEB_STATUS_INVALID` when an installed package lacks its name, version or architecture.
 */
export function parseStatus(text: string): readonly InstalledPackage[] {
  return parseStanzas(text, { source: STATUS })
    .filter((stanza) => /^\S+\s+\S+\s+installed$/.test(stanza.get('Status') ?? ''))
    .map(toInstalled)
    .sort((a, b) => compareText(a.name, b.name) || compareText(a.arch, b.arch));
}

function toInstalled(stanza: Stanza): InstalledPackage {
  const required = (name: string): string => {
    const value = stanza.get(name);
    if (value !== undefined && value !== '' && /^[^/\s]+$/.test(value)) return value;
    throw debError('ICT_DEB_STATUS_INVALID', {
      message: `${STATUS}: the package at line ${stanza.line} has no usable ${name}`,
      hint: 'A file or command of the template damaged dpkg’s database.',
      facts: { line: stanza.line, field: name },
    });
  };
  const name = required('Package');
  const version = required('Version');
  const source = /^(\S+)(?:\s+\(([^)]*)\))?$/.exec(stanza.get('Source') ?? '');
  const optional = { maintainer: stanza.get('Maintainer'), homepage: stanza.get('Homepage'), summary: stanza.lines('Description')[0] };
  return {
    name,
    version,
    arch: required('Architecture'),
    source: { name: source?.[1] ?? name, version: source?.[2]?.trim() ?? version },
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined && value !== '')),
  };
}

function purl(pkg: InstalledPackage, distribution: DistributionDefinition): string {
  const first = distribution.repositories[0];
  return formatPurl({
    namespace: distribution.os,
    name: pkg.name,
    version: pkg.version,
    arch: pkg.arch,
    distro: first?.expect?.codename ?? distribution.dist,
  });
}
