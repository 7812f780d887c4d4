import { open } from 'node:fs/promises';
import { compressionMagic, ISO_MAGIC, ISO_MAGIC_OFFSET, virtualDiskMagic } from '@ict/boot';
import { cliError } from './errors.js';
import { endingOf } from './disk-forms.js';

/** Bytes that every file of a kind has. */
interface Mark {
  /** From the beginning; below 0, from the end. */
  readonly at: number;
  readonly bytes: Buffer;
}

interface Kind {
  readonly title: string;
  /** A file that has any of these is taken for one. */
  readonly marks: readonly Mark[];
}

const mark = (at: number, bytes: Buffer | string): Mark => ({
  at,
  bytes: typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes,
});

const RAW: Kind = {
  title: 'a raw disk, with a boot signature (55 AA) or a GPT',
  marks: [mark(510, '\x55\xaa'), mark(512, 'EFI PART'), mark(4096, 'EFI PART')],
};

const INITRD: Kind = { title: 'a cpio archive', marks: [mark(0, '070701'), mark(0, '070702')] };

/** Files of images, by the last part of their ending. */
const IMAGES: Readonly<Record<string, Kind>> = {
  raw: RAW,
  img: RAW,
  qcow2: { title: 'a disk of qemu', marks: [mark(0, virtualDiskMagic.qcow2)] },
  // A vhd of fixed size has its mark at the end only.
  vhd: { title: 'a virtual hard disk (vhd)', marks: [mark(0, virtualDiskMagic.vpc), mark(-512, virtualDiskMagic.vpc)] },
  vhdx: { title: 'a virtual hard disk (vhdx)', marks: [mark(0, virtualDiskMagic.vhdx)] },
  vmdk: { title: 'a disk of VMware', marks: [mark(0, virtualDiskMagic.vmdk), mark(0, 'COWD'), mark(0, '# Disk DescriptorFile')] },
  vdi: { title: 'a disk of VirtualBox', marks: [mark(64, '\x7f\x10\xda\xbe')] },
  iso: { title: 'an ISO 9660 image', marks: [mark(ISO_MAGIC_OFFSET, ISO_MAGIC)] },
  tar: { title: 'a tar archive', marks: [mark(257, 'ustar')] },
  cpio: INITRD,
};

const COMPRESSED: Readonly<Record<string, Kind>> = {
  gz: { title: 'a file of gzip', marks: [mark(0, compressionMagic.gzip)] },
  xz: { title: 'a file of xz', marks: [mark(0, compressionMagic.xz)] },
  zst: { title: 'a file of zstd', marks: [mark(0, compressionMagic.zstd)] },
  bz2: { title: 'a file of bzip2', marks: [mark(0, compressionMagic.bzip2)] },
};

const PACKAGES: Readonly<Record<string, Kind>> = {
  deb: { title: 'a package of Debian', marks: [mark(0, '!<arch>\n')] },
  rpm: { title: 'a package of rpm', marks: [mark(0, '\xed\xab\xee\xdb')] },
};

/** Whether the ending of a file is that of a package. */
export function isPackageName(file: string): boolean {
  return Object.hasOwn(PACKAGES, lastPart(file));
}

/**
 * Refuses what is evidently no image: by its name, or because it does not have what all files of that ending have.
 *
 * @throws `ICT_CLI_USAGE`; Node's own errors where the file cannot be read.
 */
export async function requireImage(path: string, file: string): Promise<void> {
  const [type = '', compression] = endingOf(file).slice(1).split('.');
  const isKnown = Object.hasOwn(IMAGES, type) && (compression === undefined || Object.hasOwn(COMPRESSED, compression));
  if (!isKnown) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${file} is no image, as far as its ending tells`,
      hint: `Images end in ${listed(IMAGES)}, and when they are compressed in one of these and ${listed(COMPRESSED)}.`,
    });
  }
  await requireKind(path, file, (compression === undefined ? IMAGES[type] : COMPRESSED[compression]) as Kind);
}

/** Likewise of packages; those of other ecosystems than deb and rpm may be anything. */
export async function requirePackage(path: string, file: string): Promise<void> {
  if (isPackageName(file)) await requireKind(path, file, PACKAGES[lastPart(file)] as Kind);
}

/** What makes the content of a compressed file. */
const UNPACKING: Readonly<Record<string, string>> = { gz: 'gzip -dk', xz: 'xz -dk', zst: 'zstd -dk', bz2: 'bzip2 -dk' };

/**
 * Refuses what is to be looked into as a raw disk or an initrd and is evidently something else.
 *
 * @param path the disk, which may be made of `file`.
 * @throws `ICT_CLI_USAGE`; Node's own errors where it cannot be read.
 */
export async function refuseOtherContent(path: string, file: string): Promise<void> {
  await using handle = await open(path, 'r');
  const head = Buffer.alloc(HEAD_BYTES);
  const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
  const isOf = ({ marks }: Kind): boolean =>
    marks.some(({ at, bytes }) => at >= 0 && at + bytes.length <= bytesRead && head.subarray(at, at + bytes.length).equals(bytes));
  for (const [ending, kind] of Object.entries({ ...IMAGES, ...COMPRESSED })) {
    if (kind === RAW || kind === INITRD || !isOf(kind)) continue; // the mark of an ISO image lies further on
    throw cliError('ICT_CLI_USAGE', {
      message: path === file ? `${file} is ${kind.title}, which its ending does not say` : `${file} holds ${kind.title}, and no raw disk`,
      hint: hintFor(ending, file, path === file),
      facts: { file, found: ending },
    });
  }
}

/** Marks of disks, archives and compressed files all lie within this. */
const HEAD_BYTES = 512;

function hintFor(ending: string, file: string, isWhole: boolean): string {
  const program = UNPACKING[ending];
  if (program !== undefined)
    return `Unpack it first: ${program} ${file}. A raw disk that ends in .raw.gz, .raw.xz, .raw.zst or .raw.bz2 is unpacked by itself, and an initrd in .cpio.gz and so on is read as it is.`;
  if (ending === 'tar') return 'List it with tar: only disks, filesystems and initrds are read.';
  return isWhole ? `Rename it to end in .${ending}.` : `Unpack it, under a name that ends in .${ending}.`;
}

async function requireKind(path: string, file: string, { title, marks }: Kind): Promise<void> {
  await using handle = await open(path, 'r');
  const { size } = await handle.stat();
  for (const { at, bytes } of marks) {
    const found = Buffer.alloc(bytes.length);
    const from = at < 0 ? size + at : at;
    if (from < 0) continue;
    await handle.read(found, 0, found.length, from);
    if (found.equals(bytes)) return;
  }
  throw cliError('ICT_CLI_USAGE', {
    message: `the content of ${file} is not what its ending says: ${title}`,
    hint: 'Look whether the file is whole, and rename it if it is something else.',
    facts: { file, expected: title },
  });
}

function lastPart(file: string): string {
  return endingOf(file).slice(1);
}

function listed(kinds: Readonly<Record<string, Kind>>): string {
  return Object.keys(kinds)
    .map((name) => `.${name}`)
    .join(', ');
}
