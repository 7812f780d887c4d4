import type { FromSchema } from 'json-schema-to-ts';
import { buildSchema } from './build.js';
import { diskSchema } from './disk.js';
import { fingerprintTexts, flag, formatted, integer, oneOf, text, texts, withDefault } from './keyword.js';
import { layersSchema } from './layer.js';
import { systemSchema } from './system.js';
import { variablesSchema } from './variables.js';

const repository = {
  type: 'object',
  description: 'One more package repository: a `url`, or a `path`, or `packages`.',
  examples: [{ codename: 'trixie', url: 'https://packages.example.com/debian', pkey: '/etc/keys/example.asc', component: 'main' }],
  properties: {
    codename: {
      ...text('Name of the repository; for deb its suite, or, ending in `/`, the directory of a flat repository: `./`.', 'trixie'),
      minLength: 1,
    },
    url: text(
      'Address of the archive; a user and password in it are sent, and kept nowhere. `<URL>` is a placeholder: the entry is left out, with a warning.',
      'https://packages.example.com/debian',
    ),
    path: text(
      'Directory on this machine with a repository, in place of `url`; a relative path counts from the directory of the template.',
      '/srv/repository',
    ),
    packages: texts('Package files to make a repository of. Not supported yet: `ict build` refuses it.', [
      'https://packages.example.com/tool.deb',
      './tool.deb',
    ]),
    insecureSkipVerify: withDefault(
      false,
      flag('Accepts any TLS certificate while `packages` are fetched. Not supported: `ict build` refuses `true`.', false),
    ),
    pkey: text(
      'Key that signs the repository: a path, or an address with its `fingerprints`. A repository without signatures (`[trusted=yes]`) is refused.',
      '/etc/keys/example.asc',
      'https://packages.example.com/key.asc',
    ),
    pkeys: withDefault([], texts('Several such keys.', ['/etc/keys/old.asc', '/etc/keys/new.asc'])),
    fingerprints: withDefault(
      [],
      fingerprintTexts(
        'Fingerprints of the only keys of `pkey` and `pkeys` that count. A key that is fetched from an address counts only with one. None: all keys of files.',
        ['99DB 70FA E1D7 CE22 7FB6 4882 05B5 55B3 8483 C65D'],
      ),
    ),
    component: text(
      'Components, separated by spaces. Absent: main, where the repositories of the distribution have suites.',
      'main contrib',
    ),
    priority: integer(-9999, 9999, 'Preference; higher wins over a higher version. Absent: that of any other repository.', 100),
    allowPackages: withDefault([], texts('The only packages to take from it; none: all.', ['tool', 'libtool*'])),
    excludePackages: withDefault([], texts('Packages never to take from it, also those that `allowPackages` names.', ['tool-debug*'])),
  },
  required: ['codename'],
  additionalProperties: false,
} as const;

const pin = {
  type: 'object',
  description: 'The first pin that fits a package gives its priority; one for `*` alone counts only where no other does.',
  examples: [{ packages: ['linux-image-*'], release: 'trixie-backports', priority: 700 }],
  properties: {
    packages: { ...texts('Names of packages; `*`, `?` and `[...]` stand for characters.', ['nginx', 'nginx-*']), minItems: 1 },
    version: text('Only in these versions; a pattern. Absent: in any.', '1.26.*'),
    release: text('Only of repositories of this suite, codename, version or id. Absent: of any.', 'trixie-backports'),
    origin: text('Only of repositories whose signed root has this `Origin`. Absent: of any.', 'Debian'),
    priority: integer(-9999, 9999, 'In place of that of the repository; higher wins over a higher version, below 0 is never taken.', 700),
  },
  required: ['packages', 'priority'],
  additionalProperties: false,
} as const;

const properties = {
  extends: text(
    'Template to inherit from: a path inside the directory of this file. Its `target` must be the same. Not inherited: `metadata`.',
    'base.yml',
  ),
  variables: variablesSchema,
  metadata: {
    type: 'object',
    description: 'What the image is for; has no effect on it.',
    examples: [{ description: 'Minimal Debian 13 image', keywords: ['debian', 'minimal'] }],
    properties: {
      description: text('What the image is.', 'Minimal Debian 13 image'),
      use_cases: withDefault([], texts('What it is good for.', ['Cloud instances'])),
      keywords: withDefault([], texts('Words to find it by.', ['debian', 'minimal'])),
    },
    additionalProperties: false,
  },
  image: {
    type: 'object',
    description: 'Name and version of the image; its files are called NAME-VERSION.',
    examples: [{ name: 'debian13-minimal', version: '1.0.0' }],
    properties: {
      name: text('Name; it may not contain `/` or control characters.', 'debian13-minimal'),
      version: text('Version, as text: write numbers in quotes.', '1.0.0', '13.0'),
    },
    required: ['name', 'version'],
    additionalProperties: false,
  },
  target: {
    type: 'object',
    description: 'What the image is made of; chooses the distribution definition.',
    examples: [{ os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' }],
    properties: {
      os: text('Operating system.', 'debian', 'azure-linux', 'ubuntu'),
      dist: text('Release of it.', 'debian13', 'azl3', 'ubuntu24'),
      arch: oneOf(['x86_64', 'aarch64', 'armv7hl'], 'Processor architecture.', 'x86_64'),
      foreignArchitectures: withDefault(
        [],
        texts(
          'Architectures whose packages may be installed beside those of `arch`, by the names of the distribution, the preferred one first: `packages` then takes `libc6:i386`. Not for rpm; not inherited.',
          ['i386'],
        ),
      ),
      imageType: text(
        'Kind of image: raw (a disk), img (an initrd), iso (a live system on a disc or USB stick), wsl2, or what a plugin brings.',
        'raw',
      ),
    },
    required: ['os', 'dist', 'arch', 'imageType'],
    additionalProperties: false,
  },
  disk: diskSchema,
  systemConfig: systemSchema,
  layers: layersSchema,
  packageRepositories: withDefault([], {
    type: 'array',
    description: 'Repositories beside those of the definition. Merged by codename, url and path.',
    examples: [[{ codename: 'trixie', url: 'https://packages.example.com/debian', pkey: '/etc/keys/example.asc' }]],
    items: repository,
  }),
  packagePins: withDefault([], {
    type: 'array',
    description: 'Priorities of single packages, over those of their repositories, as pins of apt. Not for rpm. Replaced as a whole.',
    examples: [[{ packages: ['linux-image-*'], release: 'trixie-backports', priority: 700 }]],
    items: pin,
  }),
  plugins: withDefault(
    {},
    {
      type: 'object',
      description:
        'What the template says to plugins, by the name of their packages; each has the form that the plugin defines, and `ict schema template` shows those of the plugins at hand. Merged plugin by plugin: what is said to one replaces what was inherited.',
      examples: [{ '@acme/ict-harden': { level: 2 } }],
      additionalProperties: {
        type: 'object',
        description: 'What the template says to one plugin.',
        examples: [{ level: 2 }],
        additionalProperties: true,
      },
    },
  ),
  build: buildSchema,
  lock: text(
    'Lock file; a relative path counts from the directory of the template. Absent: NAME.lock.yml beside it. Not inherited.',
    'locks/image.lock.yml',
  ),
  baseline: {
    type: 'object',
    description: 'Whether the image is made from scratch (`create`) or on top of another image (`overlay`).',
    examples: [{ mode: 'create' }],
    properties: {
      mode: withDefault('create', oneOf(['create', 'overlay'], 'Which of both.', 'create')),
      source: {
        type: 'object',
        description: 'The image to start from.',
        examples: [{ path: 'base.raw', format: 'raw' }],
        properties: {
          path: text('File on this machine.', 'base.raw'),
          url: formatted('uri', 'Address to fetch it from.', 'https://images.example.com/base.qcow2'),
          format: withDefault('raw', oneOf(['raw', 'qcow2', 'vhd', 'vhdx'], 'Its file format.', 'qcow2')),
          sbomPath: text('Bill of materials of it.', 'base.spdx.json'),
        },
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  },
  overlayPolicy: {
    type: 'object',
    description: 'What an overlay build may change.',
    examples: [{ packageOperation: 'additive-only' }],
    properties: {
      packageOperation: oneOf(['additive-only', 'additive-and-upgrade'], 'What may happen to packages.', 'additive-only'),
      conflictPolicy: oneOf(['fail', 'allow-explicit'], 'What to do about conflicts.', 'fail'),
      kernelCmdline: text('Kernel command line to set.', 'console=ttyS0'),
      grubDefault: text('Boot entry to start.', '0'),
      allowDiskResize: withDefault(false, flag('Lets the disk grow.', true)),
      allowPackageRemoval: withDefault(false, flag('Lets conflicting packages go.', true)),
      replaceKernel: {
        type: 'object',
        description: 'Replaces the kernel.',
        examples: [{ package: 'linux-image-oem' }],
        properties: { package: text('Package that brings the new kernel.', 'linux-image-oem') },
        required: ['package'],
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  },
} as const;

/** JSON Schema (2020-12) of an image template. The types of templates derive from it. */
export const templateSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:ict:schema:template:1',
  title: 'ICT image template',
  description: 'Describes an operating-system image: target, disk, packages and set-up. A key without a value counts as absent.',
  type: 'object',
  properties,
  required: ['image', 'target'],
  additionalProperties: false,
} as const;

/** The same language as a template, for the defaults of a distribution definition: nothing is required. */
export const defaultsSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:ict:schema:defaults:1',
  title: 'Defaults of a distribution for one image type',
  description: 'What a template gets when it says nothing.',
  type: 'object',
  properties: { ...properties, image: { ...properties.image, required: [] }, target: { ...properties.target, required: [] } },
  additionalProperties: false,
} as const;

/** A template as written, after schema validation. */
export type Template = FromSchema<typeof templateSchema, { keepDefaultedPropertiesOptional: true }>;

/** Defaults as a distribution definition has them: a template with every key optional. */
export type TemplateDefaults = FromSchema<typeof defaultsSchema, { keepDefaultedPropertiesOptional: true }>;
