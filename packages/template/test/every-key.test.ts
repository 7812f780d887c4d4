import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { templateSchema } from '../src/schema/template.js';
import { unsupported } from '../src/problems/unsupported.js';
import { carried, type Fate, forPeople, noEffect, notYet, ofTemplates } from './key-fates.js';
import { HEAD, load } from './workspace.js';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

/** Something of every group of the language, one item in every list. */
const BASE = parse(`${HEAD}disk:
  size: 2GiB
  artifacts: [{ type: raw }]
  partitions:
    - { id: spare, start: 1MiB, end: 9MiB, fsType: ext4, mountPoint: /spare }
    - { id: esp, type: esp, start: 9MiB, end: 257MiB, fsType: fat32, mountPoint: /boot/efi }
    - { id: hash, start: 257MiB, end: 273MiB }
    - { id: root, type: linux, start: 273MiB, end: "0", fsType: ext4, mountPoint: / }
systemConfig:
  kernel: {}
  bootloader: {}
  users: [{ name: a }]
  network: { interfaces: [{ name: a, routes: [{ to: default, via: 192.0.2.1 }] }] }
  additionalFiles: [{ local: image.yml, final: /a }]
  configurations: [{ cmd: a }]
layers:
  - { name: a, run: [a], cacheMounts: [{ id: a, target: /a }], files: [{ local: image.yml, final: /b }], invalidateOn: {}, types: { cache: true } }
packageRepositories: [{ codename: a, url: "http://a.example", pkey: image.yml }]
packagePins: [{ packages: [a], priority: 1 }]
`) as Record<string, unknown>;

const MIB = 2 ** 20;
const absolute = expect.stringMatching(/^\/.*\/other\.yml$/) as unknown;
const disk = 'image-disk/src/assemble-disk.ts';
const check = 'image-disk/src/check-disk.ts';
const layer = 'core/src/compose/template-layers.ts';
const intake = 'core/src/templates/template-intake.ts';
const pinned = '../providers/deb/src/resolve/resolve-pins.ts';
const choosing = '../providers/deb/src/install/file-choice.ts';
const network = 'core/src/compose/configure-network.ts';
const configure = 'core/src/compose/configure.ts';

const signing = 'image-disk/src/boot-signing.ts';

/** Neither file is a key or a certificate. */
const SIGNED = {
  said: 'ICT_TEMPLATE_SECURE_BOOT',
  beside: { secureBootDBKey: 'image.yml', secureBootDBCrt: 'image.yml', secureBootDBCer: 'image.yml' },
};

/** There is one definition, which fits one target. */
const FIXED = /^target\.(?:os|dist|arch)$/;

/** What becomes of every key. A key that the schema has and this table has not fails the test. */
const FATES: Readonly<Record<string, Fate>> = {
  extends: ofTemplates,
  variables: ofTemplates,
  'metadata.description': forPeople('metadata.description', 'words'),
  'metadata.use_cases': forPeople('metadata.useCases', ['words']),
  'metadata.keywords': forPeople('metadata.keywords', ['words']),
  'image.name': carried('image.name', 'other', 'core/src/finalize/finalization.ts'),
  'image.version': carried('image.version', '2.0', 'core/src/finalize/finalization.ts'),
  'target.os': carried('target.os', 'debian', 'image-disk/src/boot-systemd.ts'),
  'target.dist': carried('target.dist', 'debian13', 'core/src/locks/request.ts'),
  'target.arch': carried('target.arch', 'x86_64', 'core/src/locks/resolution.ts'),
  'target.foreignArchitectures': carried('target.foreignArchitectures', ['i386'], 'core/src/templates/foreign-architectures.ts'),
  'target.imageType': { ...notYet('target.imageType', 'iso'), by: intake },
  'disk.name': forPeople('disk.name', 'other'),
  'disk.path': noEffect('/dev/sda', 'disk.device'),
  'disk.size': carried('disk.sizeBytes', '3GiB', 'image-disk/src/partitions.ts', 3072 * MIB),
  'disk.partitionTableType': carried('disk.partitionTable', 'mbr', check),
  'disk.extendLastPartitionToFillDisk': carried('disk.growLastPartition', true, 'image-disk/src/growth.ts'),
  'disk.selectionPolicy.strategy': noEffect('fastest', 'disk.selectionPolicy.strategy'),
  'disk.selectionPolicy.excludeRemovable': noEffect(true, 'disk.selectionPolicy.excludeRemovable'),
  'disk.selectionPolicy.requireEmpty': noEffect(true, 'disk.selectionPolicy.requireEmpty'),
  'disk.artifacts.0.type': carried('disk.artifacts.0.type', 'qcow2', 'image-disk/src/build-disk.ts'),
  'disk.artifacts.0.compression': carried('disk.artifacts.0.compression', 'zstd', 'image-disk/src/build-disk.ts'),
  'disk.partitions.0.id': carried('disk.partitions.0.id', 'other', disk),
  'disk.partitions.0.index': notYet('disk.partitions.0.index', 7),
  'disk.partitions.0.name': carried('disk.partitions.0.name', 'other', disk),
  'disk.partitions.0.type': carried('disk.partitions.0.type', 'xbootldr', 'image-parts/src/partition-types.ts'),
  'disk.partitions.0.typeUUID': carried('disk.partitions.0.typeUuid', '4f68bce3-e8cd-4db1-96e7-fbcaf984b709', disk),
  'disk.partitions.0.fsType': carried('disk.partitions.0.filesystem', 'fat16', disk),
  'disk.partitions.0.fsLabel': carried('disk.partitions.0.label', 'EFI', disk),
  'disk.partitions.0.start': carried('disk.partitions.0.startBytes', '2MiB', 'image-disk/src/partitions.ts', 2 * MIB),
  'disk.partitions.0.end': carried('disk.partitions.0.endBytes', '8MiB', 'image-disk/src/partitions.ts', 8 * MIB),
  'disk.partitions.0.mountPoint': carried('disk.partitions.0.mountPoint', '/efi', 'image-disk/src/prepare.ts'),
  'disk.partitions.0.mountOptions': carried('disk.partitions.0.mountOptions', 'umask=0077', 'image-disk/src/fstab.ts'),
  'disk.partitions.0.flags': carried('disk.partitions.0.flags', ['boot'], disk),
  'systemConfig.name': carried('system.name', 'other', 'core/src/build.ts'),
  'systemConfig.description': forPeople('system.description', 'words'),
  'systemConfig.hostname': carried('system.hostname', 'node-1', configure),
  'systemConfig.packages': carried('system.packages', ['sudo'], 'core/src/locks/request.ts', [{ name: 'sudo' }]),
  'systemConfig.recommends': carried('system.recommends', true, 'core/src/locks/request.ts'),
  'systemConfig.documentation': carried('system.fileChoice.documentation', false, choosing),
  'systemConfig.languages': carried('system.fileChoice.languages', ['de'], choosing),
  'systemConfig.kernel.version': carried('system.kernel.version', '6.12', 'core/src/locks/kernel-wish.ts'),
  'systemConfig.kernel.cmdline': carried('system.kernel.cmdline', 'quiet', 'image-disk/src/boot-menu.ts'),
  'systemConfig.kernel.packages': carried('system.kernel.packages', ['linux'], 'core/src/locks/request.ts', [{ name: 'linux' }]),
  'systemConfig.kernel.enableExtraModules': carried('system.kernel.extraModules', 'loop nbd', configure, ['loop', 'nbd']),
  'systemConfig.kernel.name': noEffect('kernel'),
  'systemConfig.kernel.uki': carried('system.kernel.unifiedImage', true, 'image-disk/src/boot-systemd.ts'),
  'systemConfig.initramfs.template': notYet('system.initramfs.template', 'other.yml', absolute),
  'systemConfig.bootloader.bootType': carried('system.bootloader.bootType', 'legacy', 'image-disk/src/check-disk.ts'),
  'systemConfig.bootloader.provider': carried('system.bootloader.provider', 'grub', 'image-disk/src/partition-content.ts'),
  'systemConfig.immutability.enabled': carried('system.immutability', true, 'image-disk/src/immutability.ts', expect.anything() as unknown),
  'systemConfig.immutability.secureBootDBKey': { ...carried('system.secureBoot.keyFile', 'other.yml', signing, absolute), ...SIGNED },
  'systemConfig.immutability.secureBootDBCrt': { ...carried('system.secureBoot.certificate', 'other.yml', signing, ''), ...SIGNED },
  'systemConfig.immutability.secureBootDBCer': { ...carried('system.secureBoot.certificate', 'other.yml', signing, ''), ...SIGNED },
  'systemConfig.fde.enabled': notYet('system.encryption', true, expect.anything() as unknown),
  'systemConfig.fde.passphraseFile': { ...notYet('system.encryption.passphraseFile', 'other.yml', absolute), beside: { enabled: true } },
  'systemConfig.fde.partitions': { ...notYet('system.encryption.partitions', ['root']), beside: { enabled: true } },
  'systemConfig.fde.unlock': { ...notYet('system.encryption.unlock', 'manual'), beside: { enabled: true } },
  'systemConfig.users.0.name': carried('system.users.0.name', 'other', configure),
  'systemConfig.users.0.password': {
    ...carried('system.users.0.passwordHash', 'plain', configure, expect.stringContaining('$6$')),
    said: 'ICT_TEMPLATE_PLAIN_PASSWORD',
  },
  'systemConfig.users.0.hash_algo': {
    ...carried('system.users.0.passwordHash', 'sha256', configure, expect.stringContaining('$5$')),
    beside: { password: 'plain' },
    said: 'ICT_TEMPLATE_PLAIN_PASSWORD',
  },
  'systemConfig.users.0.passwordMaxAge': carried('system.users.0.passwordMaxAgeDays', 90, configure),
  'systemConfig.users.0.groups': carried('system.users.0.groups', ['adm'], configure),
  'systemConfig.users.0.sudo': carried('system.users.0.sudo', true, configure),
  'systemConfig.users.0.startupScript': notYet('system.users.0.startupScript', '/usr/bin/menu'),
  'systemConfig.users.0.home': carried('system.users.0.home', '/srv/a', configure),
  'systemConfig.users.0.shell': carried('system.users.0.shell', '/bin/sh', configure),
  'systemConfig.users.0.sshAuthorizedKeys': carried('system.users.0.sshKeys', ['ssh-ed25519 AAAA a'], configure),
  'systemConfig.network.backend': carried('system.network.backend', 'netplan', network),
  'systemConfig.network.interfaces.0.name': carried('system.network.interfaces.0.name', 'eth0', network),
  'systemConfig.network.interfaces.0.dhcp4': carried('system.network.interfaces.0.dhcp4', true, network),
  'systemConfig.network.interfaces.0.dhcp6': carried('system.network.interfaces.0.dhcp6', true, network),
  'systemConfig.network.interfaces.0.addresses': carried('system.network.interfaces.0.addresses', ['192.0.2.10/24'], network),
  'systemConfig.network.interfaces.0.routes.0.to': carried('system.network.interfaces.0.routes.0.to', '10.0.0.0/8', network),
  'systemConfig.network.interfaces.0.routes.0.via': carried('system.network.interfaces.0.routes.0.via', '192.0.2.2', network),
  'systemConfig.network.interfaces.0.nameservers': carried('system.network.interfaces.0.nameservers', ['192.0.2.53'], network),
  'systemConfig.additionalFiles.0.local': carried('system.files.0.source', 'other.yml', configure, absolute),
  'systemConfig.additionalFiles.0.final': carried('system.files.0.target', '/other', configure),
  'systemConfig.additionalFiles.0.stage': noEffect('pre-initramfs', 'system.files.0.stage'),
  'systemConfig.additionalFiles.0.mode': carried('system.files.0.mode', '0600', configure, 0o600),
  'systemConfig.additionalFiles.0.owner': carried('system.files.0.owner', 'www-data', configure),
  'systemConfig.additionalFiles.0.group': carried('system.files.0.group', 'adm', configure),
  'systemConfig.configurations.0.cmd': carried('system.configurations.0.command', 'ldconfig', configure),
  'layers.0.name': carried('layers.0.name', 'other', layer),
  'layers.0.run': carried('layers.0.run', ['true', ['ldconfig', '-v']], layer),
  'layers.0.files.0.local': carried('layers.0.files.0.source', 'other.yml', configure, absolute),
  'layers.0.files.0.final': carried('layers.0.files.0.target', '/other', configure),
  'layers.0.files.0.stage': noEffect('pre-initramfs', 'layers.0.files.0.stage'),
  'layers.0.files.0.mode': carried('layers.0.files.0.mode', '0600', configure, 0o600),
  'layers.0.files.0.owner': carried('layers.0.files.0.owner', 'www-data', configure),
  'layers.0.files.0.group': carried('layers.0.files.0.group', 'adm', configure),
  'layers.0.types.launch': carried('layers.0.types.launch', true, layer),
  'layers.0.types.build': carried('layers.0.types.build', true, layer),
  'layers.0.types.cache': carried('layers.0.types.cache', false, layer),
  'layers.0.env': carried('layers.0.env', { A: 'b' }, layer),
  'layers.0.inputs': carried('layers.0.inputs', ['other.yml'], layer, [{ name: 'other.yml', source: absolute }]),
  'layers.0.cacheMounts.0.id': carried('layers.0.cacheMounts.0.id', 'other', 'core/src/trees/cache-mounts.ts'),
  'layers.0.cacheMounts.0.target': carried('layers.0.cacheMounts.0.target', '/other', 'core/src/trees/cache-mounts.ts'),
  'layers.0.cacheMounts.0.sharing': carried('layers.0.cacheMounts.0.sharing', 'private', 'core/src/trees/cache-mounts.ts'),
  'layers.0.network': carried('layers.0.network', true, layer),
  'layers.0.metadata': carried('layers.0.metadata', { A: 'b' }, layer),
  'layers.0.invalidateOn.packages': carried('layers.0.invalidateOn.packages', ['jq'], layer),
  'layers.0.invalidateOn.values': carried('layers.0.invalidateOn.values', { A: 'b' }, layer),
  'layers.0.validate': carried('layers.0.validate', 'echo keep', layer),
  'packageRepositories.0.codename': carried('repositories.0.codename', 'other', intake),
  'packageRepositories.0.url': carried('repositories.0.url', 'http://b.example', intake),
  'packageRepositories.0.path': { ...carried('repositories.0.url', '/usr', intake, 'file:///usr'), without: 'url' },
  'packageRepositories.0.packages': { ...notYet('repositories.0.packages', ['other.yml'], [absolute]), without: 'url' },
  'packageRepositories.0.insecureSkipVerify': notYet('repositories.0.insecureSkipVerify', true),
  'packageRepositories.0.pkey': carried('repositories.0.keys', 'other.yml', intake, [absolute]),
  'packageRepositories.0.pkeys': { ...carried('repositories.0.keys', ['other.yml'], intake, [absolute]), without: 'pkey' },
  'packageRepositories.0.fingerprints': carried('repositories.0.fingerprints', ['ab12 '.repeat(10)], intake, ['AB12'.repeat(10)]),
  'packageRepositories.0.component': carried('repositories.0.components', 'main extra', intake, ['main', 'extra']),
  'packageRepositories.0.priority': carried('repositories.0.priority', 600, intake),
  'packageRepositories.0.allowPackages': carried('repositories.0.allowPackages', ['tool'], intake),
  'packageRepositories.0.excludePackages': carried('repositories.0.excludePackages', ['tool'], intake),
  'packagePins.0.packages': carried('pins.0.packages', ['tool*'], pinned),
  'packagePins.0.version': carried('pins.0.version', '1.*', pinned),
  'packagePins.0.release': carried('pins.0.release', 'trixie', pinned),
  'packagePins.0.origin': carried('pins.0.origin', 'Debian', pinned),
  'packagePins.0.priority': carried('pins.0.priority', 700, pinned),
  plugins: carried('sections', { '@acme/a': { level: 2 } }, 'core/src/plugins/plugin-view.ts'),
  'build.cache.use_package_cache': carried('caches.packages', false, 'core/src/build.ts'),
  'build.cache.use_image_cache': carried('caches.images', false, 'core/src/build.ts'),
  lock: carried('lockFile', 'other.yml', 'core/src/locks/lock-settling.ts', absolute),
  'baseline.mode': notYet('baseline.mode', 'overlay'),
  'baseline.source.path': notYet('baseline.source.path', 'other.yml', absolute),
  'baseline.source.url': notYet('baseline.source.url', 'https://a.example/base.raw'),
  'baseline.source.format': notYet('baseline.source.format', 'qcow2'),
  'baseline.source.sbomPath': notYet('baseline.source.sbomPath', 'other.yml', absolute),
  'overlayPolicy.packageOperation': notYet('overlayPolicy.packageOperation', 'additive-only'),
  'overlayPolicy.conflictPolicy': notYet('overlayPolicy.conflictPolicy', 'fail'),
  'overlayPolicy.kernelCmdline': notYet('overlayPolicy.kernelCmdline', 'quiet'),
  'overlayPolicy.grubDefault': notYet('overlayPolicy.grubDefault', '1'),
  'overlayPolicy.allowDiskResize': notYet('overlayPolicy.allowDiskResize', true),
  'overlayPolicy.allowPackageRemoval': notYet('overlayPolicy.allowPackageRemoval', true),
  'overlayPolicy.replaceKernel.package': notYet('overlayPolicy.replaceKernel.package', 'linux-image-oem'),
};

/** Every key below a schema, where lists have one item, without groups of keys. */
function leaves(node: Node, path: readonly string[] = []): string[] {
  const inner = Object.entries(node.properties ?? {}).flatMap(([key, one]) => leaves(one, [...path, key]));
  const items = node.items?.properties === undefined ? [] : leaves(node.items, [...path, '0']);
  const own = node.properties === undefined && items.length === 0 && path.length > 0 ? [path.join('.')] : [];
  return [...own, ...inner, ...items];
}

/** The value at a path; undefined where there is none. */
function at(data: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>> | undefined)?.[key], data);
}

function withKey(path: string, { value, beside = {}, without }: Fate): unknown {
  const copy = structuredClone(BASE);
  const keys = path.split('.');
  const parent = keys.slice(0, -1).reduce<Record<string, unknown>>((inner, key) => (inner[key] ??= {}) as Record<string, unknown>, copy);
  if (without !== undefined) delete parent[without];
  Object.assign(parent, beside, { [keys.at(-1) as string]: value });
  return copy;
}

/** What the engine is given of a template, and the codes and texts of what is said of it. */
interface Outcome {
  readonly spec: unknown;
  readonly said: readonly string[];
}

async function outcome(template: unknown): Promise<Outcome> {
  const { spec, merged, problems, refused, warnings } = await load(stringify(template), {}, { 'other.yml': '' });
  expect(problems).toEqual([]);
  const place = ['position', 'positions'];
  const bare = JSON.stringify(spec, (key, value: unknown) => (place.includes(key) ? undefined : value));
  const said = [...refused, ...warnings, ...unsupported(merged!)].map(({ code, message }) => `${code}: ${message}`);
  return { spec: JSON.parse(bare) as unknown, said };
}

describe('no key is dropped in silence', () => {
  const keys = leaves(templateSchema as Node);
  let base: Outcome | undefined;

  it('and what becomes of each is in the table', () => {
    expect(Object.keys(FATES)).toEqual(keys);
  });

  it.each(Object.entries(FATES).filter(([, { value }]) => value !== undefined))('%s', async (key, fate) => {
    const before = (base ??= await outcome(BASE));
    const after = await outcome(withKey(key, fate));
    if (fate.at !== undefined) {
      expect(at(after.spec, fate.at)).toEqual(fate.is);
      if (!FIXED.test(key)) expect(at(before.spec, fate.at)).not.toEqual(at(after.spec, fate.at));
    }
    const news = after.said.filter((one) => !before.said.includes(one)).map((one) => one.split(':')[0]);
    if (fate.said === undefined) expect(news).toEqual([]);
    else expect(news).toContain(fate.said);
    // Nobody reads it, and nothing says so: dropped.
    expect([fate.by, fate.said, fate.forPeople].some((one) => one !== undefined)).toBe(true);
    if (fate.by === undefined) return;
    const name = fate.at?.split('.').findLast((step) => step !== '0') ?? '';
    expect(await readFile(new URL(`../../${fate.by}`, import.meta.url), 'utf8')).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
