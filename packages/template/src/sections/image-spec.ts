import path from 'node:path';
import type { ImageSpec, MetadataSpec, ProblemReport, RequestedPackage, SystemSpec } from '@ict/plugin-api';
import { findLocal, readAdditionalFile } from './additional-file.js';
import { checkBootable, emptyDisk, readDisk } from './disk.js';
import { readEncryption } from './encryption.js';
import { readFileChoice } from './file-choice.js';
import { checkImageType, warnOfDiskKeys, warnOfSigningKeys, WITHOUT_LOADER } from '../targets/image-type-rules.js';
import { readImmutability } from './immutability.js';
import { readLayer } from './layer.js';
import type { MergedTemplate } from '../documents/merge.js';
import { readModules } from './kernel-modules.js';
import { readNetwork } from './network-spec.js';
import { readBaseline, readOverlayPolicy } from './overlay.js';
import { formatPath, type Path } from '../documents/path.js';
import { completeSections, type PluginSections } from './plugin-section.js';
import { readSecureBoot } from './secure-boot.js';
import { readRepository } from './repository.js';
import { isLeftOut, type Report, reporter, type SpecReports } from '../problems/report.js';
import type { Template } from '../schema/template.js';
import { countPlainPasswords, readUser } from './user.js';

/** Longest part of a file name in bytes; a filesystem takes 255, and endings follow, or the mark of a directory that is not done yet. */
const FILE_NAME_BYTES = 200;

/** Stands for an image without name and version while the rest is checked; no specification comes of it. */
const UNNAMED = { name: 'image', version: '0' };

/** What {@link buildSpec} makes of a merged template. */
export interface SpecResult {
  /** To be used only when there are no problems; else good for finding more of them. */
  readonly spec: ImageSpec;
  readonly problems: readonly ProblemReport[];
  /** What keeps a build from being done here and now although the template is right: local files that are missing, or do not serve. */
  readonly refused: readonly ProblemReport[];
  readonly warnings: readonly ProblemReport[];
}

/**
 * Gives every value its final form (sizes in bytes, passwords hashed, paths absolute, defaults filled in) and checks what
 * the schema cannot say. Of other files it reads those that sign boot files; of others it only sees that they exist.
 *
 * @param file the template's own file
 * @param sections what plugins let templates say to them
 * @param nowSeconds since 1970: certificates have to be valid then
 */
export async function buildSpec(
  merged: MergedTemplate,
  file: string,
  sections: PluginSections = new Map(),
  nowSeconds: number = Date.now() / 1000,
): Promise<SpecResult> {
  const errors = reporter(merged, 'error');
  const refused = reporter(merged, 'error');
  const warnings = reporter(merged, 'warning');
  const { template } = merged;
  const { image = UNNAMED, target } = template as Partial<Template> & Pick<Template, 'target'>;
  checkFileName(image.name, ['image', 'name'], errors.report);
  checkFileName(image.version, ['image', 'version'], errors.report);
  checkLength(`${image.name}-${image.version}`, ['image', 'name'], errors.report);
  const reports = { error: errors.report, refuse: refused.report, warning: warnings.report };
  const system = await readSystem(merged, reports);
  const isDisk = target.imageType === 'raw';
  if (template.disk === undefined && isDisk) {
    const hint = 'Neither the template nor the defaults of the distribution describe one.';
    errors.report('ICT_DOCUMENT_MISSING_KEY', [], 'a raw image needs the key "disk"', hint);
  }
  const isUnknown = (at: Path): boolean => isLeftOut(merged, at);
  const disk = template.disk === undefined ? emptyDisk(image.name) : readDisk(template.disk, image.name, isDisk, errors.report, isUnknown);
  // What has no partitions of its own has no root to start either; partitions of what no loader starts are refused, whatever they are.
  const starts = isDisk || (disk.partitions.length > 0 && !WITHOUT_LOADER.has(target.imageType));
  if (template.disk !== undefined && starts) checkBootable(disk, system.bootloader.bootType, errors.report);
  checkImageType(merged, disk, errors.report);
  warnOfDiskKeys(merged, warnings.report);
  warnOfSigningKeys(merged, warnings.report);
  if (template.systemConfig?.kernel?.name) {
    const hint = 'Name the packages that bring the kernel under systemConfig.kernel.packages.';
    warnings.report('ICT_TEMPLATE_NO_EFFECT', ['systemConfig', 'kernel', 'name'], 'systemConfig.kernel.name has no effect', hint);
  }
  const immutability = readImmutability(merged, isDisk ? disk : undefined, reports);
  const secureBoot = await readSecureBoot(merged, nowSeconds, reports);
  const encryption = await readEncryption(merged, isDisk ? disk : undefined, reports);
  const baseline = await readBaseline(merged, refused.report);
  const overlayPolicy = readOverlayPolicy(merged);
  const repositories = [];
  for (const [index, item] of (template.packageRepositories ?? []).entries()) {
    const one = await readRepository(item, ['packageRepositories', index], merged, reports);
    if (one !== undefined) repositories.push(one);
  }
  const layers = [];
  for (const [index, layer] of (template.layers ?? []).entries()) layers.push(await readLayer(layer, ['layers', index], merged, reports));
  const { use_package_cache: packages = true, use_image_cache: images = true } = template.build?.cache ?? {};
  const spec: ImageSpec = {
    file,
    image,
    ...(template.metadata === undefined ? {} : { metadata: readMetadata(template.metadata) }),
    target: readTarget(target),
    disk,
    system: {
      ...system,
      ...(immutability === undefined ? {} : { immutability }),
      ...(secureBoot === undefined ? {} : { secureBoot }),
      ...(encryption === undefined ? {} : { encryption }),
    },
    repositories,
    ...(template.packagePins?.length ? { pins: template.packagePins } : {}),
    layers,
    ...(template.plugins === undefined ? {} : { sections: completeSections(template.plugins, sections) }),
    ...(baseline === undefined ? {} : { baseline }),
    ...(overlayPolicy === undefined ? {} : { overlayPolicy }),
    caches: { packages, images },
    ...(template.lock ? { lockFile: path.resolve(path.dirname(file), template.lock) } : {}),
    secrets: [],
    positions: merged.positions(),
  };
  return { spec, problems: errors.problems, refused: refused.problems, warnings: warnings.problems };
}

function readMetadata({ description, use_cases = [], keywords = [] }: NonNullable<Template['metadata']>): MetadataSpec {
  return { ...(description ? { description } : {}), useCases: use_cases, keywords };
}

/** No foreign architectures and an empty list of them are the same wish. */
function readTarget({ foreignArchitectures = [], ...target }: Template['target']): ImageSpec['target'] {
  return foreignArchitectures.length === 0 ? target : { ...target, foreignArchitectures };
}

async function readSystem(merged: MergedTemplate, reports: SpecReports): Promise<SystemSpec> {
  const { error, refuse, warning } = reports;
  const { image = UNNAMED, systemConfig: system = {} } = merged.template as Partial<Template>;
  const at = (...rest: Path): Path => ['systemConfig', ...rest];
  const name = system.name || image.name;
  if (system.name) {
    checkFileName(name, at('name'), error);
    checkLength(name, at('name'), error);
  }
  const positions = merged.positions();
  const packages = (names: readonly string[] = [], list: Path, defaults: readonly string[] = []): RequestedPackage[] =>
    names.map((one, index) => {
      const position = positions.get(formatPath([...list, index]));
      return { name: one, ...(position === undefined ? {} : { position }), ...(defaults.includes(one) ? { byDefault: true } : {}) };
    });
  const [lowest] = merged.layers;
  const kernelPackages = at('kernel', 'packages');
  const files = [];
  for (const [index, item] of (system.additionalFiles ?? []).entries()) {
    files.push(await readAdditionalFile(item, at('additionalFiles', index), system.configurations, merged, reports));
  }
  const { kernel = {}, bootloader = {}, network = {}, initramfs } = system;
  if (network.backend !== undefined && !network.interfaces?.length) {
    const hint = 'Say which interfaces to configure under systemConfig.network.interfaces.';
    warning('ICT_TEMPLATE_NO_EFFECT', at('network', 'backend'), 'systemConfig.network.backend has no effect without interfaces', hint);
  }
  const users = system.users ?? [];
  const plainPasswords = countPlainPasswords(users);
  const fileChoice = readFileChoice(system, at('languages'), error);
  return {
    name,
    ...(system.description ? { description: system.description } : {}),
    ...(system.hostname ? { hostname: system.hostname } : {}),
    packages: packages(system.packages, at('packages'), lowest?.template.systemConfig?.packages),
    recommends: system.recommends ?? false,
    ...(fileChoice === undefined ? {} : { fileChoice }),
    kernel: {
      ...(kernel.version ? { version: kernel.version } : {}),
      cmdline: kernel.cmdline ?? '',
      packages: packages(kernel.packages, kernelPackages, merged.originOf(kernelPackages)?.layer === lowest ? kernel.packages : []),
      ...(kernel.enableExtraModules
        ? { extraModules: readModules(kernel.enableExtraModules, at('kernel', 'enableExtraModules'), error) }
        : {}),
      ...(kernel.uki ? { unifiedImage: true } : {}),
    },
    ...(initramfs?.template
      ? { initramfs: { template: await findLocal(initramfs.template, at('initramfs', 'template'), merged, refuse, 'file') } }
      : {}),
    bootloader: {
      bootType: bootloader.bootType ?? 'efi',
      provider: bootloader.provider === 'grub2' ? 'grub' : (bootloader.provider ?? 'systemd-boot'),
    },
    ...(network.interfaces?.length ? { network: readNetwork(network, at('network', 'interfaces'), error) } : {}),
    users: users.map((user, index) => {
      const position = positions.get(formatPath(at('users', index)));
      const context = { imageName: image.name, holdsSecret: merged.holdsSecret, plainPasswords, error, warning };
      return { ...readUser(user, at('users', index), context), ...(position === undefined ? {} : { position }) };
    }),
    files,
    configurations: (system.configurations ?? []).map(({ cmd }, index) => {
      const position = positions.get(formatPath(at('configurations', index)));
      return { command: cmd, ...(position === undefined ? {} : { position }) };
    }),
  };
}

/** Names that become parts of file names: one component, printable. */
function checkFileName(name: string, path: Path, error: Report): void {
  const wrong =
    name === ''
      ? 'is empty'
      : /[/\p{Cc}]/u.test(name)
        ? 'contains "/" or a control character'
        : /^\.+$/.test(name)
          ? 'is only dots'
          : undefined;
  if (wrong !== undefined) {
    const hint = 'It becomes part of a file name.';
    error('ICT_TEMPLATE_NAME', path, `${formatPath(path)} ${wrong}${name === '' ? '' : `: ${JSON.stringify(name)}`}`, hint);
  }
}

function checkLength(fileName: string, path: Path, error: Report): void {
  const bytes = Buffer.byteLength(fileName);
  if (bytes <= FILE_NAME_BYTES) return;
  const hint = 'Shorten it: filesystems do not take longer names.';
  error('ICT_TEMPLATE_NAME', path, `${formatPath(path)} makes a file name of ${bytes} bytes; ${FILE_NAME_BYTES} are possible`, hint);
}
