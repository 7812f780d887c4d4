import { posix } from 'node:path';
import { wholeContent, type ReadableFilesystem } from './filesystems/filesystem.js';
import { MOST_INSIDE, openFilesystemInside } from './filesystems/image-in-file.js';
import { openInitrd } from './filesystems/initrd.js';

/** What the tree of an image says that it is. */
export interface SystemSummary {
  /** `PRETTY_NAME` of os-release. */
  readonly title?: string;
  /** `ID`, such as `debian`. */
  readonly id?: string;
  /** `VERSION_ID` */
  readonly version?: string;
  readonly hostname?: string;
  /** Versions that have modules, which is how kernels are known, sorted. */
  readonly kernels: readonly string[];
}

/** Links are no more than these deep. */
const MOST_LINKS = 8;

/** Reads what the tree of a root filesystem says of itself; undefined for one without an os-release. */
export async function readSystem(files: ReadableFilesystem): Promise<SystemSummary | undefined> {
  const release = await textOf(files, '/etc/os-release');
  if (release === undefined) return undefined;
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}=(?:"(.*)"|'(.*)'|(.*))$`, 'm')
      .exec(release)
      ?.slice(1)
      .find((text) => text !== undefined);
  const known = {
    title: value('PRETTY_NAME'),
    id: value('ID'),
    version: value('VERSION_ID'),
    hostname: (await textOf(files, '/etc/hostname'))?.trim(),
  };
  const modules = (await files.list('/usr/lib/modules')) ?? (await files.list('/lib/modules')) ?? [];
  return {
    ...Object.fromEntries(Object.entries(known).filter(([, text]) => text !== undefined && text !== '')),
    kernels: modules.filter(({ type }) => type === 'directory').map(({ path }) => path.slice(path.lastIndexOf('/') + 1)),
  };
}

/** The same of the first filesystem in a file of an ISO image that has one. */
export async function systemInside(files: ReadableFilesystem): Promise<SystemSummary | undefined> {
  let opened = 0;
  for await (const entry of files.walk()) {
    const inner = await openFilesystemInside(entry);
    if (inner?.files === undefined) continue;
    const system = await readSystem(inner.files);
    if (system !== undefined || ++opened === MOST_INSIDE) return system;
  }
  return undefined;
}

/** The same of the first initrd that is a whole system, as that of a live system is, and not what finds one. */
export async function systemOfInitrds(files: ReadableFilesystem, paths: Iterable<string>): Promise<SystemSummary | undefined> {
  for (const path of [...new Set(paths)].slice(0, MOST_INSIDE)) {
    const file = await files.find(path);
    const initrd = file === undefined ? undefined : await openInitrd(file);
    if (initrd?.files === undefined || (await initrd.files.find('/etc/initrd-release')) !== undefined) continue;
    const system = await readSystem(initrd.files);
    if (system !== undefined) return system;
  }
  return undefined;
}

/** A small text file, also behind links that stay in the tree. */
async function textOf(files: ReadableFilesystem, path: string): Promise<string | undefined> {
  let at = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    const found = await files.find(at);
    if (found?.type !== 'symlink' || found.target === undefined)
      return found?.type === 'file' ? (await wholeContent(found)).toString() : undefined;
    at = posix.resolve(posix.dirname(at), found.target);
  }
  return undefined;
}
