import { additionalFileSchema } from './additional-file.js';
import { flag, formatted, integer, oneOf, packageTexts, text, texts, withDefault, ipAddress } from './keyword.js';

const user = {
  type: 'object',
  description: 'One user account.',
  examples: [{ name: 'admin', sudo: true, groups: ['adm'], sshAuthorizedKeys: ['ssh-ed25519 AAAA... admin@example.com'] }],
  properties: {
    name: text('Login name: letters, digits, `_`, `.`, `-`, at most 32, not only digits.', 'admin'),
    password: text(
      'A crypt(3) hash when it begins with `$`, for example the output of `openssl passwd -6`. Any other text is a plain password: it is hashed while the template is read, with a salt that depends only on image and user, so that equal templates give equal images; a warning says so. Empty or absent: no login by password.',
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ),
    hash_algo: withDefault(
      'sha512',
      oneOf(
        ['', 'sha512', 'sha256', 'md5', 'bcrypt'],
        'How a plain password is hashed. md5 and bcrypt are not supported yet; the empty text stands for sha512. A password that is a hash already says its own algorithm.',
        'sha256',
      ),
    ),
    passwordMaxAge: integer(0, 99999, 'Days until the password must be changed. Absent or 0: as the distribution has it.', 90),
    groups: withDefault([], texts('Groups beside its own.', ['adm', 'video'])),
    sudo: withDefault(false, flag('May become root through sudo. When a definition has the same user, the template decides.', true)),
    startupScript: text('Program that a login starts in place of a shell.', '/usr/bin/menu'),
    home: text('Home directory, absolute. Absent: /home/NAME.', '/srv/admin'),
    shell: text('Login shell, absolute. Absent: /bin/bash, or /bin/sh in an image without it.', '/bin/sh'),
    sshAuthorizedKeys: withDefault(
      [],
      texts('Public keys that may log in through ssh, one `authorized_keys` line each.', ['ssh-ed25519 AAAA... admin@example.com']),
    ),
  },
  required: ['name'],
  additionalProperties: false,
} as const;

const networkInterface = {
  type: 'object',
  description: 'One network interface.',
  examples: [{ name: 'enp1s0', dhcp4: true }],
  properties: {
    name: text('Name of the interface.', 'enp1s0'),
    dhcp4: withDefault(false, flag('Asks for an IPv4 address.', true)),
    dhcp6: withDefault(false, flag('Asks for an IPv6 address.', true)),
    addresses: withDefault([], {
      type: 'array',
      description: 'Fixed addresses with prefix length.',
      examples: [['192.0.2.10/24']],
      items: { type: 'string', format: 'cidr' },
    }),
    routes: withDefault([], {
      type: 'array',
      description: 'Fixed routes.',
      examples: [[{ to: 'default', via: '192.0.2.1' }]],
      items: {
        type: 'object',
        description: 'One route.',
        examples: [{ to: 'default', via: '192.0.2.1' }],
        properties: {
          to: formatted('route', 'Destination: `default` or a network with prefix length.', 'default', '10.0.0.0/8'),
          via: { ...ipAddress, description: 'Gateway.', examples: ['192.0.2.1'] },
        },
        required: ['to', 'via'],
        additionalProperties: false,
      },
    }),
    nameservers: withDefault([], {
      type: 'array',
      description: 'Addresses of name servers.',
      examples: [['192.0.2.53']],
      items: ipAddress,
    }),
  },
  required: ['name'],
  additionalProperties: false,
} as const;

const kernel = {
  type: 'object',
  description: 'The kernel. Merged key by key; `packages` replaces the list of the distribution definition.',
  examples: [{ version: '6.12', cmdline: 'console=ttyS0,115200', packages: ['linux-image-cloud-amd64'] }],
  properties: {
    version: text('Version to prefer. When the archive has another, that one is taken and a warning names it.', '6.12.74'),
    cmdline: withDefault('', text('Kernel command line.', 'console=ttyS0,115200 console=tty0')),
    packages: withDefault([], packageTexts('Packages that bring the kernel.', ['linux-image-amd64'])),
    enableExtraModules: text('Modules to put into the initrd, separated by spaces.', 'usbcore usb-common'),
    name: text('Accepted for compatibility; has no effect: `packages` names what brings the kernel.', 'kernel'),
    uki: withDefault(
      false,
      flag(
        'Makes one program of kernel, initrd and command line ([unified kernel image](secure-boot.md)), which systemd-boot starts. For disks.',
        true,
      ),
    ),
  },
  additionalProperties: false,
} as const;

/** Schema of `systemConfig`. */
export const systemSchema = {
  type: 'object',
  description: 'What is installed and how the system is set up.',
  examples: [{ name: 'minimal', packages: ['openssh-server'], kernel: { cmdline: 'console=ttyS0,115200' } }],
  properties: {
    name: text(
      "Name of this configuration; the directory of the built image below the work directory, where each build replaces what the last one of that name left. Absent: that of the definition, `default`, else the image's name.",
      'minimal',
    ),
    description: text('One sentence for people.', 'Minimal Debian image'),
    hostname: formatted('hostname', 'Host name (RFC 1123), at most 64 characters.', 'node-1', ''),
    packages: withDefault([], {
      type: 'array',
      description:
        'Packages beside the base system: `name`, `name=version`, `name/suite`, or a pattern with `*`, `?` and `[...]`; of rpm distributions also `@group` or `@environment`, by id, name or such a pattern, with `/optional` or `/mandatory,default,optional` after it for packages of these kinds alone, and modules as `module:stream` or `module:stream/profile`. Of an rpm package that is only installed and never updated, as kernels are, several versions may be asked for, each in an entry. Added to those of the definition.',
      examples: [['openssh-server', 'sudo', 'linux-image-generic*']],
      items: { type: 'string', format: 'package' },
      uniqueItems: true,
    }),
    recommends: withDefault(false, flag('Also installs what packages recommend.', true)),
    documentation: withDefault(
      true,
      flag(
        'Installs documentation: documents, manuals and info pages. With `false` the licences of packages stay, and the system keeps to it when it is updated.',
        false,
      ),
    ),
    languages: {
      type: 'array',
      description:
        'Languages of the translations that are installed, as locales name them; `pt_BR` brings `pt` too. The system keeps to them when it is updated. Replaces the list of the definition; `[all]` stands for all. Absent: all.',
      examples: [['de', 'pt_BR']],
      items: { type: 'string', format: 'language' },
      uniqueItems: true,
    },
    kernel,
    initramfs: {
      type: 'object',
      description: 'The initrd of the system.',
      examples: [{ template: 'initrd.yml' }],
      properties: { template: text('Template that the initrd is composed from.', 'initrd.yml') },
      additionalProperties: false,
    },
    bootloader: {
      type: 'object',
      description: 'How the image starts. Merged key by key.',
      examples: [{ bootType: 'efi', provider: 'systemd-boot' }],
      properties: {
        bootType: withDefault(
          'efi',
          oneOf(
            ['efi', 'legacy'],
            'Firmware that starts a disk: UEFI, or a [legacy one (BIOS)](legacy-boot.md), of x86_64, for which `provider` is `grub`, and a `gpt` has a partition of type `bios`.',
            'efi',
          ),
        ),
        provider: withDefault(
          'systemd-boot',
          oneOf(['grub', 'grub2', 'systemd-boot'], 'Boot loader; `grub2` is another name of `grub`.', 'grub'),
        ),
      },
      additionalProperties: false,
    },
    immutability: {
      type: 'object',
      description:
        'A read-only root filesystem whose every block is verified as it is read (dm-verity). Needs a partition for its hashes: `id: roothashmap`, `mountPoint: none`. [What is written where](immutability.md). For disks. Merged key by key.',
      examples: [{ enabled: true }],
      properties: {
        enabled: withDefault(false, flag('Switches it on.', true)),
        secureBootDBKey: text(
          'Private key that signs the boot files for [Secure Boot](secure-boot.md): RSA, PEM or DER, without a passphrase. All three files, or none; whether the image is immutable does not matter.',
          'db.key',
        ),
        secureBootDBCrt: text('Certificate of that key, PEM or DER.', 'db.crt'),
        secureBootDBCer: text('The same certificate, for whoever enrols it: DER or PEM.', 'db.cer'),
      },
      additionalProperties: false,
    },
    fde: {
      type: 'object',
      description: 'Encryption of partitions (LUKS). Replaces the definition’s.',
      examples: [{ enabled: false }],
      properties: {
        enabled: withDefault(false, flag('Switches it on.', true)),
        passphraseFile: text('File with the passphrase.', 'passphrase.txt'),
        partitions: withDefault([], texts('Ids of the partitions to encrypt.', ['rootfs'])),
        unlock: oneOf(['auto', 'manual'], 'Whether the system unlocks itself when it starts.', 'auto'),
      },
      additionalProperties: false,
    },
    users: withDefault([], {
      type: 'array',
      description: 'User accounts. Merged with those of the definition by name; `groups` and `sshAuthorizedKeys` are joined.',
      examples: [[{ name: 'admin', sudo: true }]],
      items: user,
    }),
    network: {
      type: 'object',
      description: 'Network set-up; `interfaces` replaces the list of the definition.',
      examples: [{ backend: 'systemd-networkd', interfaces: [{ name: 'enp1s0', dhcp4: true }] }],
      properties: {
        backend: withDefault('systemd-networkd', oneOf(['netplan', 'systemd-networkd'], 'What configures the interfaces.', 'netplan')),
        interfaces: withDefault([], {
          type: 'array',
          description: 'Interfaces to configure.',
          examples: [[{ name: 'enp1s0', dhcp4: true }]],
          items: networkInterface,
        }),
      },
      additionalProperties: false,
    },
    additionalFiles: withDefault([], {
      type: 'array',
      description: 'Files copied into the image. Merged with those of the definition by `final`.',
      examples: [[{ local: 'motd', final: '/etc/motd' }]],
      items: additionalFileSchema,
    }),
    configurations: withDefault([], {
      type: 'array',
      description: 'Commands that run at the end, in order, inside the image and with its own shell. Added after those of the definition.',
      examples: [[{ cmd: 'systemctl enable ssh' }]],
      items: {
        type: 'object',
        description: 'One command.',
        examples: [{ cmd: 'systemctl enable ssh' }],
        properties: {
          cmd: { ...text('Shell text; nothing in it is interpreted on this machine.', 'echo "$HOME" > /etc/home'), minLength: 1 },
        },
        required: ['cmd'],
        additionalProperties: false,
      },
    }),
  },
  additionalProperties: false,
} as const;
