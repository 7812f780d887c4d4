import { open } from 'node:fs/promises';
import { bytesOf, partOf, type Bytes } from './bytes.js';
import { readBootConfiguration, type BootConfiguration } from './boot-configuration.js';
import { inspectError } from './errors.js';
import type { FilesystemSummary, OpenedFilesystem, ReadableFilesystem } from './filesystems/filesystem.js';
import { openInitrd } from './filesystems/initrd.js';
import { openFilesystem } from './filesystems/open-filesystem.js';
import { asFile } from './filesystems/pieces.js';
import { readPartitionTable, type Partition, type PartitionTable } from './partition-table.js';
import { readSystem, systemInside, systemOfInitrds, type SystemSummary } from './system-summary.js';

/** A partition, and what lies in it. */
export interface PartitionReport extends Partition {
  /** Absent for what nobody knows, such as an empty partition. */
  readonly filesystem?: FilesystemSummary;
  /** Why what lies there could not be read, or what of it is not; absent when all is. */
  readonly problem?: string;
}

/** What an image says of itself. */
export interface ImageReport {
  readonly sizeBytes: number;
  /** Absent for a filesystem without a disk around it. */
  readonly table?: Omit<PartitionTable, 'partitions'>;
  /** Without a table the whole image, as partition 0. */
  readonly partitions: readonly PartitionReport[];
  /** Of the first EFI system partition; absent when there is none. */
  readonly boot?: BootConfiguration;
  /**
   * Of the first filesystem that has an os-release, also one in a file of an ISO image, or else of an initrd of a boot entry that is a whole system; absent when there is none that
   * can be read.
   */
  readonly system?: SystemSummary;
}

/** Types of an MBR that hold further partitions. */
const EXTENDED: readonly string[] = ['0x05', '0x0f', '0x85'];

/** An image that is open for reading. */
export interface OpenedImage {
  readonly report: ImageReport;
  /** What can be read of its partitions, by their numbers. */
  readonly filesystems: ReadonlyMap<number, OpenedFilesystem>;
  /** The bytes of those that lie within the image, by their numbers. */
  readonly contents: ReadonlyMap<number, Bytes>;
}

/**
 * Looks into a raw disk or filesystem image, or an initrd, without mounting it; nothing in it is trusted, and nothing of it is changed.
 *
 * @param name what errors call it, where the path says nothing to who asked.
 * @throws `ICT_INSPECT_IMAGE` when the file cannot be read, or holds nothing that is known.
 */
export async function inspectImage(path: string, name = path): Promise<ImageReport> {
  return withImage(path, async ({ report }) => report, name);
}

/** Opens an image as {@link inspectImage} reads it, for as long as `work` takes. */
export async function withImage<Result>(path: string, work: (image: OpenedImage) => Promise<Result>, name = path): Promise<Result> {
  await using file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    const message =
      cause.code === 'ENOENT' ? `There is no image ${name}` : `The image ${name} cannot be read: ${cause.code ?? cause.message}`;
    throw inspectError('ICT_INSPECT_IMAGE', { message, hint: 'Check its path.', facts: { path: name }, cause });
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    throw inspectError('ICT_INSPECT_IMAGE', { message: `${name} is no file`, hint: 'Give the file of an image.', facts: { path: name } });
  }
  return await work(await openImage(bytesOf(file, stat.size), name)); // the file stays open as long
}

function tableReport({ type, id, bootCode, problems }: PartitionTable): Omit<PartitionTable, 'partitions'> {
  return { type, id, ...(bootCode === undefined ? {} : { bootCode }), problems };
}

function pendingProblem({ summary, pending }: OpenedFilesystem): Pick<PartitionReport, 'problem'> {
  if (pending === undefined) return {};
  return { problem: `this ${summary.type} was not unmounted, and changes that are only in its ${pending} are not read` };
}

async function openImage(disk: Bytes, name: string): Promise<OpenedImage> {
  const table = await readPartitionTable(disk);
  const partitions = table?.partitions ?? [{ number: 0, startBytes: 0, sizeBytes: disk.sizeBytes, type: 'whole' }];
  const filesystems = new Map<number, OpenedFilesystem>();
  const contents = new Map<number, Bytes>();
  const reports = new Map<number, PartitionReport>();
  const tellProblem = (partition: Partition, error: unknown): void => {
    if (!(error instanceof RangeError)) throw error;
    const known = reports.get(partition.number);
    const problems = [error.message, ...(known?.problem === undefined ? [] : [known.problem])];
    reports.set(partition.number, { ...partition, ...known, problem: problems.join('; ') });
  };
  let boot: BootConfiguration | undefined;
  let esp: { readonly partition: Partition; readonly files: ReadableFilesystem } | undefined;
  let system: SystemSummary | undefined;
  for (const partition of partitions) {
    const { number, startBytes, sizeBytes, type } = partition;
    try {
      if (sizeBytes < 0 || startBytes + sizeBytes > disk.sizeBytes) throw new RangeError('it ends behind the disk');
      const bytes = partOf(disk, startBytes, sizeBytes);
      contents.set(number, bytes);
      const opened = (await openFilesystem(bytes)) ?? (table === undefined ? await openInitrd(asFile(bytes)) : undefined);
      reports.set(number, { ...partition, ...(opened === undefined ? {} : { filesystem: opened.summary, ...pendingProblem(opened) }) });
      if (opened === undefined) {
        if (EXTENDED.includes(type)) throw new RangeError('it is an extended partition, and the logical partitions in it are not read');
        continue;
      }
      filesystems.set(number, opened);
      if (opened.unread !== undefined) throw new RangeError(`files of this ${opened.summary.type} are not read: ${opened.unread}`);
      if (opened.files === undefined) continue;
      if (boot === undefined && type === 'esp') {
        boot = await readBootConfiguration(opened.files);
        esp = { partition, files: opened.files };
      }
      system ??= await readSystem(opened.files);
      if (opened.summary.type === 'iso9660') system ??= await systemInside(opened.files);
    } catch (error) {
      tellProblem(partition, error);
    }
  }
  if (system === undefined && boot !== undefined && esp !== undefined) {
    const initrds = boot.entries.flatMap((entry) => entry.initrds);
    try {
      system = await systemOfInitrds(esp.files, initrds);
    } catch (error) {
      tellProblem(esp.partition, error);
    }
  }
  if (table === undefined && filesystems.size === 0 && reports.get(0)?.problem === undefined) {
    throw inspectError('ICT_INSPECT_IMAGE', {
      message: `${name} has no partition table and no filesystem that is known`,
      hint: 'Give a disk image, raw or in the format of a virtual machine, or an initrd.',
      facts: { path: name },
    });
  }
  return {
    report: {
      sizeBytes: disk.sizeBytes,
      ...(table === undefined ? {} : { table: tableReport(table) }),
      partitions: [...reports.values()],
      ...(boot === undefined ? {} : { boot }),
      ...(system === undefined ? {} : { system }),
    },
    filesystems,
    contents,
  };
}
