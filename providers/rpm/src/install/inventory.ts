import { compareText } from '@ict/integrity';
import type { DistributionDefinition, InstalledPackage, Inventory, TreeSession } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import { compareVersions, formatEvr, parseEvr } from '../relations/evr.js';
import { toSpdxExpression } from '../spdx-licence.js';
import { formatPurl } from '../purl.js';
import { sourceOf } from '../resolve/resolve-closure.js';

const FIELDS = ['NAME', 'EPOCHNUM', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'VENDOR', 'URL', 'LICENSE', 'SUMMARY'] as const;
const FORMAT = `${FIELDS.map((field) => `%{${field}}`).join('\x1f')}\\n`;

/** Asks the tree's own rpm what is installed. */
export function createInventory(): Inventory {
  return { list, purl };
}

/** Installed packages, sorted by name and architecture; none when the tree has no rpm. */
async function list(tree: TreeSession): Promise<readonly InstalledPackage[]> {
  if ((await tree.stat('/usr/bin/rpm')) === undefined) return [];
  // Only the last part of a command's output is kept, so that the list goes through a file.
  const file = '/run/ict-inventory';
  const argv = ['/bin/sh', '-c', 'exec rpm --query --all --queryformat "$1" > "$2"', 'rpm', FORMAT, file];
  await tree.run({ argv, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } });
  const output = await tree.read(file);
  await tree.remove(file);
  return parseInventory(new TextDecoder().decode(output ?? new Uint8Array()));
}

/**
 * Parses what rpm printed. Keys, which rpm keeps as packages, are not listed.
 *
 * @returns packages sorted by name and architecture, of several versions the highest first.
 * @throws `ICT_RPM_INVENTORY_INVALID` for a line that is none of ours.
 */
export function parseInventory(text: string): readonly InstalledPackage[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('gpg-pubkey\x1f'))
    .map(toInstalled)
    .sort((a, b) => compareText(a.name, b.name) || compareText(a.arch, b.arch) || -compareVersions(a.version, b.version));
}

function toInstalled(line: string): InstalledPackage {
  const values = line.split('\x1f');
  if (values.length !== FIELDS.length) {
    throw rpmError('ICT_RPM_INVENTORY_INVALID', {
      message: 'rpm in the tree lists its packages in a way that was not asked for',
      hint: 'A file or command of the template may have damaged rpm or its database.',
      facts: { line },
    });
  }
  const [name, epoch, version, release, arch, sourceRpm, vendor, url, licence, summary] = values as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const known = (value: string): boolean => value !== '' && value !== '(none)';
  return {
    name,
    version: formatEvr({ epoch: Number(epoch), version, release }),
    arch,
    ...sourceOf(sourceRpm),
    ...(known(vendor) ? { maintainer: vendor } : {}),
    ...(known(url) ? { homepage: url } : {}),
    ...(known(summary) ? { summary } : {}),
    ...(known(licence) ? { licence: toSpdxExpression(licence) } : {}),
  };
}

function purl({ name, version, arch }: InstalledPackage, distribution: DistributionDefinition): string {
  const { os, dist } = distribution;
  return formatPurl({ namespace: os, name, evr: parseEvr(version), arch, distro: dist });
}
