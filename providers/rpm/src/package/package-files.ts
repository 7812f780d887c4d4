import { decodeText } from '@ict/archive';
import { rpmError } from '../errors.js';
import type { Header } from './header.js';
import { FILE_FLAG, TAG } from './tags.js';

/** A file that a package describes. */
export interface RpmFile {
  /** Absolute in a binary package; a bare name in a source package. */
  readonly path: string;
  /** Type and permission bits, as `stat` gives them. */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  /** Hex digest of the content by the package's algorithm; empty for what has none. */
  readonly digest: string;
  readonly linkTarget: string;
  /** A sum of `FILE_FLAG`s. */
  readonly flags: number;
  readonly user: string;
  readonly group: string;
  /** Device number of a device node, as the header has it: major * 256 + minor. */
  readonly deviceNumber: number;
  /** Files with the same inode and device are links of one another. */
  readonly inode: number;
  readonly device: number;
  /** Languages it belongs to, separated by `|`; empty for all. */
  readonly languages: string;
  /** File capabilities as text: `cap_net_raw=ep`; empty for none. */
  readonly capabilities: string;
}

const BEYOND_ASCII = /[\x80-\xff]/;

/** True for a file that the package owns and does not bring. */
export function isGhost({ flags }: RpmFile): boolean {
  return (flags & FILE_FLAG.GHOST) !== 0;
}

/**
 * The files of a package in the order of its header, which is sorted by path.
 *
 * @throws `ICT_RPM_HEADER_INVALID` for lists of different lengths, a directory that does not exist, or a name that could leave the root.
 */
export function readFiles(header: Header, isSource: boolean): readonly RpmFile[] {
  const paths = header.has(TAG.BASENAMES) ? joinedPaths(header) : header.strings(TAG.OLDFILENAMES);
  const count = paths.length;
  const list = <T>(tag: number, values: readonly T[], otherwise: T): readonly T[] => {
    if (values.length === count) return values;
    if (values.length > 0) throw invalid(`it names ${count} files and has ${values.length} values of tag ${tag}`);
    return new Array<T>(count).fill(otherwise);
  };
  const numbers = (tag: number): readonly number[] => list(tag, header.numbers(tag), 0);
  const texts = (tag: number): readonly string[] => list(tag, header.strings(tag), '');
  const sizes = header.has(TAG.LONGFILESIZES) ? numbers(TAG.LONGFILESIZES) : numbers(TAG.FILESIZES);
  const [modes, times, flags, devices, inodes, rdevs] = [
    numbers(TAG.FILEMODES),
    numbers(TAG.FILEMTIMES),
    numbers(TAG.FILEFLAGS),
    numbers(TAG.FILEDEVICES),
    numbers(TAG.FILEINODES),
    numbers(TAG.FILERDEVS),
  ];
  const [digests, links, users, groups, languages, capabilities] = [
    texts(TAG.FILEDIGESTS),
    texts(TAG.FILELINKTOS),
    texts(TAG.FILEUSERNAME),
    texts(TAG.FILEGROUPNAME),
    texts(TAG.FILELANGS),
    texts(TAG.FILECAPS),
  ];
  return paths.map((path, i) => {
    checkPath(path, isSource);
    return {
      path,
      mode: modes[i]!,
      sizeBytes: sizes[i]!,
      mtimeSeconds: times[i]!,
      digest: digests[i]!,
      linkTarget: links[i]!,
      flags: flags[i]!,
      user: users[i]!,
      group: groups[i]!,
      deviceNumber: rdevs[i]!,
      inode: inodes[i]!,
      device: devices[i]!,
      languages: languages[i]!,
      capabilities: capabilities[i]!,
    };
  });
}

function joinedPaths(header: Header): readonly string[] {
  const names = header.rawStrings(TAG.BASENAMES);
  const directories = header.rawStrings(TAG.DIRNAMES);
  const indexes = header.numbers(TAG.DIRINDEXES);
  if (indexes.length !== names.length) throw invalid(`it has ${names.length} names and ${indexes.length} directories for them`);
  return names.map((name, i) => {
    const directory = directories[indexes[i]!];
    if (directory === undefined) throw invalid(`file ${i} lies in a directory that does not exist`);
    return readPath(directory + name);
  });
}

/** Whole, as the payload names the file: of a directory in Latin-1 and a name in UTF-8, together no UTF-8, both are Latin-1. */
function readPath(raw: string): string {
  return BEYOND_ASCII.test(raw) ? decodeText(Buffer.from(raw, 'latin1')) : raw;
}

/** A path that cannot leave the root, whatever is done with it. */
function checkPath(path: string, isSource: boolean): void {
  const sound = isSource ? /^[^/\0]+$/.test(path) && path !== '.' && path !== '..' : path.startsWith('/') && !path.includes('\0');
  if (!sound || path.split('/').includes('..')) throw invalid(`${JSON.stringify(path)} is no path of a file`);
}

function invalid(reason: string): Error {
  return rpmError('ICT_RPM_HEADER_INVALID', {
    message: `The file list of the package is damaged or hostile: ${reason}`,
    hint: 'Fetch the package again; when it is the same, report it to the repository.',
    facts: { part: 'files', reason },
  });
}
