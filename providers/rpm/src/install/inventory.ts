import { randomUUID } from 'node:crypto';
import { compareText } from '@ict/integrity';
import type { DistributionDefinition, InstalledPackage, Inventory, TreeSession } from '@ict/plugin-api';
import { rpmError } from '../errors.js';
import { compareVersions, formatEvr, parseEvr } from '../relations/evr.js';
import { toSpdxExpression } from '../spdx-licence.js';
import { formatPurl } from '../purl.js';
import { sourceOf } from '../resolve/resolve-closure.js';

const FIELDS = ['NAME', 'EPOCHNUM', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'VENDOR', 'URL', 'LICENSE', 'SUMMARY'] as const;

/** What rpm prints for what is not there. */
const NONE = '(none)';

/** Asks the tree's own rpm what is installed. */
export function createInventory(): Inventory {
  return { list, purl };
}

/** Installed packages, sorted by name and architecture; none when the tree has no rpm. */
async function list(tree: TreeSession): Promise<readonly InstalledPackage[]> {
  if ((await tree.stat('/usr/bin/rpm')) === undefined) return [];
  // Only the last part of a command's output is kept, so that the list goes through a file.
  const file = '/run/ict-inventory';
  const mark = randomUUID();
  const format = FIELDS.map((field) => `%{${field}}${mark}`).join('');
  const argv = ['/bin/sh', '-c', 'exec rpm --query --all --queryformat "$1" > "$2"', 'rpm', format, file];
  await tree.run({ argv, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } });
  const output = await tree.read(file);
  await tree.remove(file);
  return parseInventory(new TextDecoder().decode(output ?? new Uint8Array()), mark);
}

/**
 * Parses what rpm printed. Keys, which rpm keeps as packages, are not listed.
 *
 * @param mark follows each field. Who makes a package cannot know it, so that no text of one, of whatever lines, passes for another package.
 * @returns packages sorted by name and architecture, of several versions the highest first.
 * @throws `ICT_RPM_INVENTORY_INVALID` for what was not asked for.
 */
export function parseInventory(text: string, mark: string): readonly InstalledPackage[] {
  const fields = text.split(mark);
  if (fields.pop() !== '' || fields.length % FIELDS.length !== 0) {
    throw rpmError('ICT_RPM_INVENTORY_INVALID', {
      message: 'rpm in the tree lists its packages in a way that was not asked for',
      hint: 'A file or command of the template may have damaged rpm or its database.',
      facts: { begin: text.slice(0, 200) },
    });
  }
  const packages = Array.from({ length: fields.length / FIELDS.length }, (_, at) =>
    fields.slice(at * FIELDS.length, (at + 1) * FIELDS.length),
  );
  return packages
    .filter((values) => !isKey(values))
    .map(toInstalled)
    .sort((a, b) => compareText(a.name, b.name) || compareText(a.arch, b.arch) || -compareVersions(a.version, b.version));
}

/** rpm before 4.20 installs packages that bear the name of keys; but keys have no architecture. */
function isKey([name, _epoch, _version, _release, arch]: readonly string[]): boolean {
  return name === 'gpg-pubkey' && arch === NONE;
}

function toInstalled(values: readonly string[]): InstalledPackage {
  const [name, epoch, version, release, arch, sourceRpm, vendor, url, licence, summary] = values.map(inOneLine) as [
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
  const known = (value: string): boolean => value !== '' && value !== NONE;
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

/** Most who read these texts expect one line, as nearly all have. */
function inOneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

function purl({ name, version, arch }: InstalledPackage, distribution: DistributionDefinition): string {
  const { os, dist } = distribution;
  return formatPurl({ namespace: os, name, evr: parseEvr(version), arch, distro: dist });
}
