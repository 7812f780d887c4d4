import type { FileEntry, ReadableFilesystem } from './filesystems/filesystem.js';
import { wholeContent } from './filesystems/filesystem.js';
import { readUnifiedImage } from './read-unified-image.js';

/** One way to start the system. */
export interface BootEntry {
  /** File on the EFI system partition that says so: an entry of systemd-boot, or a unified kernel image. */
  readonly file: string;
  readonly title?: string;
  readonly version?: string;
  /** Path on the same partition; absent where the kernel is in the file itself. */
  readonly kernel?: string;
  readonly initrds: readonly string[];
  /** Command line of the kernel. */
  readonly options: string;
}

/** What an EFI system partition has to start from. */
export interface BootConfiguration {
  /** Programs that firmware or a boot entry of it can start, except unified kernel images. */
  readonly loaders: readonly string[];
  readonly entries: readonly BootEntry[];
}

const UNIFIED = '/EFI/Linux';
const ENTRIES = '/loader/entries';

/**
 * Reads what systemd-boot would offer, and lists the programs below `/EFI`.
 *
 * @see https://uapi-group.org/specifications/specs/boot_loader_specification/
 */
export async function readBootConfiguration(esp: ReadableFilesystem): Promise<BootConfiguration> {
  const loaders: string[] = [];
  const entries: BootEntry[] = [];
  for (const file of (await esp.list(ENTRIES)) ?? []) if (/\.conf$/i.test(file.path)) entries.push(await readEntry(file));
  for await (const file of esp.walk()) {
    if (file.type !== 'file' || !/^\/EFI\/.*\.efi$/i.test(file.path)) continue;
    const isUnified = file.path.toLowerCase().startsWith(`${UNIFIED.toLowerCase()}/`);
    const unified = isUnified ? await readUnifiedImage(file) : undefined;
    if (unified === undefined) loaders.push(file.path);
    else entries.push(unified);
  }
  return { loaders, entries };
}

async function readEntry(file: FileEntry): Promise<BootEntry> {
  const values = new Map<string, string[]>();
  for (const line of (await wholeContent(file)).toString().split('\n')) {
    const [, key, value] = /^([^#\s]\S*)\s+(.*)$/s.exec(line.trimStart()) ?? [];
    if (key === undefined || value === undefined) continue;
    const known = values.get(key);
    if (known === undefined) values.set(key, [value.trimEnd()]);
    else known.push(value.trimEnd());
  }
  const first = (key: string): string | undefined => values.get(key)?.[0];
  const [title, version, kernel] = [first('title'), first('version'), first('linux') ?? first('efi')];
  return {
    file: file.path,
    ...(title === undefined ? {} : { title }),
    ...(version === undefined ? {} : { version }),
    ...(kernel === undefined ? {} : { kernel }),
    initrds: values.get('initrd') ?? [],
    options: (values.get('options') ?? []).join(' '),
  };
}
