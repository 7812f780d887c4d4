import type { FromSchema } from 'json-schema-to-ts';
import { flag, formatted, integer, oneOf, text, texts, withDefault } from './keyword.js';

const repository = {
  type: 'object',
  description: 'One package repository.',
  examples: [
    {
      id: 'debian-trixie',
      archive: 'http://ftp.debian.org/debian',
      suite: 'trixie',
      components: ['main'],
      keyrings: ['../keys/debian.asc'],
    },
  ],
  properties: {
    id: { ...text('Unique name; lock files and errors use it.', 'debian-trixie'), minLength: 1 },
    archive: formatted(
      'uri',
      'Public address of the archive, without a slash at the end; a mirror may stand in for it. A user and password in it are sent, and kept nowhere.',
      'http://ftp.debian.org/debian',
    ),
    suite: withDefault('', text('deb: the suite, or a path that ends in `/`. rpm: nothing.', 'trixie')),
    components: withDefault([], texts('Components to read.', ['main'])),
    keyrings: texts(
      'OpenPGP keyrings; one of their keys must have signed the repository. Relative paths count from this file. None: whoever builds gives `--keyring FILE`.',
      ['../keys/debian.asc'],
    ),
    expect: {
      type: 'object',
      description: 'What the signed root of the repository must say of itself.',
      examples: [{ origin: 'Debian', label: 'Debian', codename: 'trixie' }],
      properties: {
        origin: text('Its Origin.', 'Debian'),
        label: text('Its Label.', 'Debian'),
        codename: text('Its Codename.', 'trixie'),
      },
      additionalProperties: false,
    },
    priority: integer(-9999, 9999, 'Preference; higher wins over a higher version. Absent: that of any other repository.', 100),
    allowPackages: texts('The only packages to take from it, with `*` for any characters. Absent: all.', ['tool', 'libtool*']),
    excludePackages: texts('Packages never to take from it, also those that `allowPackages` names.', ['tool-debug*']),
    cost: integer(0, 1_000_000, 'rpm: of equal packages, those of the repository with the lowest cost are taken. Absent: 1000.', 500),
    fingerprints: texts('Fingerprints of the only keys of the keyrings that count. Absent: all of them.', [
      '99DB70FAE1D7CE227FB6488205B555B38483C65D',
    ]),
    repoGpgCheck: withDefault(true, flag('rpm: whether the metadata must be signed.', false)),
    gpgCheck: withDefault(true, flag('rpm: whether the packages must be signed.', false)),
    moduleHotfixes: withDefault(false, flag('rpm: modules hide none of its packages.', true)),
    metalink: formatted(
      'uri',
      'rpm: address of a metalink. Its mirrors are tried before the archive, and only a repomd.xml that it vouches for is accepted.',
      'https://mirrors.fedoraproject.org/metalink?repo=fedora-43&arch=x86_64',
    ),
    mirrorlist: formatted(
      'uri',
      'rpm: address of a list of mirrors, one a line; they are tried before the archive. Not together with `metalink`.',
      'https://mirrors.example.org/list?repo=baseos&arch=x86_64',
    ),
    legacyCrypto: withDefault(
      false,
      flag(
        'rpm: accept signatures by DSA, short RSA, MD5, SHA-1 and RIPEMD-160, and unsigned packages with no digest but MD5: all can be forged.',
        true,
      ),
    ),
  },
  required: ['id', 'archive', 'keyrings'],
  additionalProperties: false,
} as const;

const words = (description: string, example: Readonly<Record<string, string>>) =>
  ({ type: 'object', description, examples: [example], additionalProperties: { type: 'string' } }) as const;

/** JSON Schema (2020-12) of a distribution definition, `distros/*.yml` of a provider. */
export const distroSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:ict:schema:distro:1',
  title: 'ICT distribution definition',
  description: 'What a provider must know of a distribution: data only.',
  type: 'object',
  properties: {
    apiVersion: { type: 'integer', enum: [1], description: 'Version of this language.', examples: [1] },
    ecosystem: { ...text('Package ecosystem whose provider handles it.', 'deb', 'rpm'), minLength: 1 },
    os: { ...text('`target.os` of templates.', 'debian'), minLength: 1 },
    dist: { ...text('`target.dist` of templates.', 'debian13'), minLength: 1 },
    title: text('Name for people.', 'Debian 13 (trixie)'),
    architectures: {
      type: 'array',
      description: 'Architectures that it exists for.',
      examples: [['x86_64']],
      items: oneOf(['x86_64', 'aarch64', 'armv7hl'], 'One architecture.', 'x86_64'),
      minItems: 1,
    },
    byArchitecture: withDefault(
      {},
      {
        type: 'object',
        description:
          'What is called otherwise on each architecture: `${NAME}` in any text of the definition stands for it. Every architecture has the same names.',
        examples: [{ x86_64: { kernelPackage: 'linux-image-amd64' }, aarch64: { kernelPackage: 'linux-image-arm64' } }],
        properties: {
          x86_64: words('Names on x86_64. Absent: none.', { kernelPackage: 'linux-image-amd64' }),
          aarch64: words('Names on aarch64. Absent: none.', { kernelPackage: 'linux-image-arm64' }),
          armv7hl: words('Names on armv7hl. Absent: none.', { kernelPackage: 'linux-image-armmp' }),
        },
        additionalProperties: false,
      },
    ),
    repositories: {
      type: 'array',
      description: 'Repositories that packages come from.',
      examples: [[{ id: 'debian-trixie', archive: 'http://ftp.debian.org/debian', suite: 'trixie', keyrings: ['../keys/debian.asc'] }]],
      items: repository,
      minItems: 1,
    },
    essential: withDefault(
      {},
      {
        type: 'object',
        description: 'The base tree, beside what the archive itself marks as essential.',
        examples: [{ priorities: ['required'], packages: ['ca-certificates'] }],
        properties: {
          priorities: withDefault([], texts('Priorities that belong to it.', ['required'])),
          packages: withDefault([], texts('Packages that belong to it.', ['ca-certificates'])),
        },
        additionalProperties: false,
      },
    ),
    boot: {
      type: 'object',
      description: 'Where kernel, initrd and boot loaders are.',
      examples: [{ kernel: '/boot/vmlinuz-*', initrd: '/boot/initrd.img-${kernelVersion}', makeInitrd: ['mkinitramfs'], loaders: {} }],
      properties: {
        kernel: formatted(
          'kernel-pattern',
          'Kernel images in the tree; what `*` matches is the kernel version. It stands in the name of the file, or of one directory above it.',
          '/boot/vmlinuz-*',
          '/lib/modules/*/vmlinuz',
        ),
        initrd: text('Initrd of `${kernelVersion}`.', '/boot/initrd.img-${kernelVersion}'),
        makeInitrd: {
          ...texts('Program and arguments that make it; `${kernelVersion}` and `${output}` are replaced.', [
            'mkinitramfs',
            '-o',
            '${output}',
            '${kernelVersion}',
          ]),
          minItems: 1,
        },
        initrdScope: {
          type: 'object',
          description:
            'Which changes of a tree do not reach an initrd, so that the one of another tree may be kept. Paths are globs. Without it, every changed tree gets an initrd of its own.',
          examples: [
            { maker: ['/usr/share/initramfs-tools'], unread: ['/srv/**'], readByName: ['/usr/bin/*'], uuidsApart: ['/etc/fstab'] },
          ],
          properties: {
            maker: texts('Files and directories of its maker: what their text names counts as read.', ['/usr/share/initramfs-tools']),
            unread: texts('Places where nothing is read, unless the maker names them.', ['/srv/**']),
            readByName: texts('Places where a new file changes nothing, unless the maker names it.', ['/usr/bin/*']),
            uuidsApart: texts('Files of which only a UUID may change.', ['/etc/fstab']),
          },
          required: ['maker', 'unread', 'readByName', 'uuidsApart'],
          additionalProperties: false,
        },
        withoutInitrd: withDefault({}, words('Environment that keeps packages from making it themselves.', { INITRD: 'No' })),
        links: withDefault(
          {},
          words('Links beside the kernel, path to target; `${kernelVersion}` is replaced.', {
            '/vmlinuz': 'boot/vmlinuz-${kernelVersion}',
          }),
        ),
        growthPackages: texts(
          'Packages that bring `sfdisk`, `partx` and `resize2fs`, for images whose root grows when they start. Absent: none can.',
          ['fdisk', 'e2fsprogs'],
        ),
        verityPackages: texts(
          'Packages that bring what an initrd opens an immutable root with (`veritysetup`, or `systemd-veritysetup` and `dmsetup`). Absent: none can.',
          ['cryptsetup-bin'],
        ),
        loaders: {
          type: 'object',
          description: 'Boot loaders, by name.',
          examples: [{ 'systemd-boot': { efi: '/usr/lib/systemd/boot/efi/systemd-bootx64.efi', package: 'systemd-boot-efi' } }],
          properties: {
            'systemd-boot': {
              type: 'object',
              description: 'systemd-boot.',
              examples: [{ efi: '/usr/lib/systemd/boot/efi/systemd-bootx64.efi', package: 'systemd-boot-efi' }],
              properties: {
                efi: text('Its EFI program in the tree.', '/usr/lib/systemd/boot/efi/systemd-bootx64.efi'),
                stub: text(
                  'The program in the tree that unified kernel images begin with. Without it, none are made.',
                  '/usr/lib/systemd/boot/efi/linuxx64.efi.stub',
                ),
                package: text('Package that brings them.', 'systemd-boot-efi'),
              },
              required: ['efi', 'package'],
              additionalProperties: false,
            },
          },
          additionalProperties: false,
        },
      },
      required: ['kernel', 'initrd', 'makeInitrd', 'loaders'],
      additionalProperties: false,
    },
    tools: {
      type: 'object',
      description: 'Programs that shape an image, as packages.',
      examples: [{ packages: { ext: ['e2fsprogs'], convert: ['qemu-utils'] } }],
      properties: {
        packages: {
          type: 'object',
          description: 'Packages, by capability: ext, erofs, squashfs, convert, xz, bz2, grub-efi, grub-bios.',
          examples: [{ ext: ['e2fsprogs'] }],
          additionalProperties: { type: 'array', items: { type: 'string', minLength: 1 } },
        },
        grub: {
          type: 'object',
          description: 'What its packages call GRUB, where that is not `grub-mkimage` with modules in `/usr/lib/grub`.',
          examples: [{ mkimage: 'grub2-mkimage', modules: '/usr/share/grub2' }],
          properties: {
            mkimage: text('Program that makes its image.', 'grub2-mkimage'),
            modules: text('Directory with one of modules for each platform, such as `x86_64-efi` and `i386-pc`.', '/usr/share/grub2'),
          },
          required: ['mkimage', 'modules'],
          additionalProperties: false,
        },
      },
      required: ['packages'],
      additionalProperties: false,
    },
    defaults: withDefault(
      {},
      {
        type: 'object',
        description: 'What a template gets when it says nothing, by image type; the same language as a template.',
        examples: [{ raw: { systemConfig: { packages: ['systemd-sysv'] } } }],
        additionalProperties: { type: 'object', additionalProperties: true },
      },
    ),
    immutable: {
      type: 'object',
      description:
        'What a template for a disk gets that switches `systemConfig.immutability` on: a disk with a partition for the hashes, when it describes none. Absent: that of `defaults`.',
      examples: [{ disk: { size: '4GiB' } }],
      properties: {
        disk: { type: 'object', description: 'In the language of templates.', examples: [{ size: '4GiB' }], additionalProperties: true },
      },
      required: ['disk'],
      additionalProperties: false,
    },
    quirks: withDefault(
      {},
      {
        type: 'object',
        description: 'Facts that only the provider reads.',
        examples: [{ usrmerge: true }],
        additionalProperties: true,
      },
    ),
  },
  required: ['apiVersion', 'ecosystem', 'os', 'dist', 'title', 'architectures', 'repositories', 'boot', 'tools'],
  additionalProperties: false,
} as const;

/** A distribution definition as written, after schema validation. */
export type DistroFile = FromSchema<typeof distroSchema, { keepDefaultedPropertiesOptional: true }>;

/** The same with the defaults of the schema. */
export type CompleteDistro = FromSchema<typeof distroSchema>;
