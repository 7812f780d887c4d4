import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { formatRelation } from '../src/relations/relation.js';
import { readRpm } from '../src/package/package.js';
import type { PayloadOptions, RpmPackage } from '../src/package/package.js';
import { RELATION_TAGS, TAG } from '../src/package/tags.js';
import { FIXTURES, packagePaths } from './fixture-index.js';
import { isOlder } from './host-versions.js';

const PACKAGES = packagePaths();
const KINDS = ['provides', 'requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'] as const;
const directory = mkdtempSync(join(tmpdir(), 'ict-rpm-package-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** As our reader does: UTF-8, or else Latin-1. */
function decode(latin1: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1;
  }
}

/** Python has bytes that are no UTF-8 as single surrogates. */
function fromPython(text: string): string {
  if (!/[\udc80-\udcff]/u.test(text)) return text;
  const bytes = [...text].map((char) => (/[\udc80-\udcff]/u.test(char) ? Buffer.from([char.charCodeAt(0) & 0xff]) : Buffer.from(char)));
  return decode(Buffer.concat(bytes).toString('latin1'));
}

/** What rpm prints of a package: formats, and options that stand for one, in their order. */
function query(file: string, ...formats: readonly string[]): string {
  const options = formats.flatMap((format) => (format.startsWith('--') ? [format] : ['--qf', format]));
  return execFileSync('rpm', ['-qp', '--nosignature', '--nodigest', ...options, file], {
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString('latin1');
}

/** What kinds of files there are, and of which each file is. */
const [FILECLASS, CLASSDICT] = [1141, 1142];

/** A value of a tag as rpm's Python module has it. */
type TagValue = string | number | { readonly hex: string } | readonly (string | number)[];

/** All tags of all packages as rpm reads them, by number. */
const VALUES = ((): ReadonlyMap<string, Readonly<Record<string, TagValue>>> => {
  const script = `
import json, rpm, sys
def plain(value):
    if isinstance(value, (bytes, bytearray)): return {'hex': bytes(value).hex()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value
transaction = rpm.TransactionSet()
transaction.setVSFlags(-1)
def read(path):
    with open(path) as file: header = transaction.hdrFromFdno(file.fileno())
    return {int(tag): plain(header[tag]) for tag in header.keys()}
json.dump([read(path) for path in sys.argv[1:]], sys.stdout)
`;
  const files = PACKAGES.map((path) => join(FIXTURES, path));
  const output = execFileSync('/usr/bin/python3', ['-c', script, ...files], { maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'ignore'] });
  const all = JSON.parse(output.toString()) as readonly Readonly<Record<string, TagValue>>[];
  return new Map(PACKAGES.map((path, at) => [path, all[at]!]));
})();

describe.each(PACKAGES)('%s', (path) => {
  const file = join(FIXTURES, path);

  it('has the values that rpm reads', async () => {
    const pkg = await readRpm(file);
    const { name, evr, arch, isSource } = pkg;
    const relations = KINDS.flatMap((kind) => ['\f', `--${kind}`]);
    const [expected, ...listed] = query(file, '%{NAME}|%{EPOCHNUM}|%{VERSION}|%{RELEASE}|%{ARCH}', ...relations).split('\f');
    const ours = [name, evr.epoch, evr.version, evr.release, isSource ? pkg.header.string(1022) : arch].join('|');
    expect(ours).toBe(expected);
    expect(listed.length).toBe(KINDS.length);
    for (const [at, kind] of KINDS.entries()) {
      // rpm adds to packages of format 3 what every later package says of itself; and it prints an epoch of 0 that a relation spells out.
      const lines = listed[at]!.split('\n').filter((line) => line !== '').map(decode); // prettier-ignore
      const own = new Set(pkg.relations(kind).map((relation) => formatRelation(relation)));
      expect([...own].sort(), kind).toEqual([...new Set(lines.map((line) => line.replace(/ 0:/, ' ')))].sort());
    }
  });

  it('has the value that rpm reads for every tag of its header', async () => {
    const { header, format } = await readRpm(file);
    const theirs = VALUES.get(path)!;
    /** rpm gives packages of format 3 what later ones have. */
    const converted = format === 3 ? [TAG.OLDFILENAMES, ...RELATION_TAGS.provides] : [];
    const tags = header.tags().filter((tag) => !converted.includes(tag));
    expect(tags.length).toBeGreaterThan(20);
    for (const tag of tags) {
      const value = theirs[tag];
      // Of the kind of a file, rpm's module says a word, for links one of its own, and the header has a number.
      if (tag === FILECLASS) expect(Math.max(...header.numbers(tag))).toBeLessThan(header.strings(CLASSDICT).length);
      else if (typeof value === 'object' && 'hex' in value) expect(header.bytes(tag)?.toString('hex'), String(tag)).toBe(value.hex);
      else {
        const all = [value].flat();
        const ours = typeof all[0] === 'number' ? header.numbers(tag) : header.strings(tag);
        expect(ours, String(tag)).toEqual(all.map((each) => (typeof each === 'string' ? fromPython(each) : each)));
      }
    }
  });

  it('has the files that rpm lists', async () => {
    const pkg = await readRpm(file);
    const format =
      '[%{FILENAMES}|%{FILEMODES}|%{LONGFILESIZES}|%{FILEMTIMES}|%{FILEDIGESTS}|%{FILELINKTOS}|%{FILEFLAGS}|%{FILEUSERNAME}|%{FILEGROUPNAME}' +
      '|%{FILERDEVS}|%{FILEINODES}|%{FILEDEVICES}|%{FILELANGS}|%{FILECAPS}\n]';
    const own = pkg.files().map((each) => {
      const { path: name, mode, sizeBytes, mtimeSeconds, digest, linkTarget, flags, user, group } = each;
      const { deviceNumber, inode, languages, capabilities } = each;
      const device = pkg.header.has(TAG.FILEDEVICES) ? each.device : '';
      const stat = [name, mode, sizeBytes, mtimeSeconds, digest, linkTarget, flags, user, group];
      return [...stat, deviceNumber, inode, device, languages, capabilities].join('|');
    });
    const listed = query(file, format).split('\n').filter((line) => line !== '' && !line.startsWith('(none)|')); // prettier-ignore
    const lines = listed.map((line) => line.replaceAll('(none)', ''));
    expect(own).toEqual(lines);
  });

  it('has the scriptlets and the changelog that rpm prints', async () => {
    const pkg = await readRpm(file);
    const tags = { pre: 'PREIN', post: 'POSTIN', preun: 'PREUN', postun: 'POSTUN', pretrans: 'PRETRANS', posttrans: 'POSTTRANS' } as const;
    const format = [...Object.values(tags), 'VERIFYSCRIPT'].map((tag) => `%{${tag}}|[%{${tag}PROG} ]|`).join('');
    const own = [...Object.keys(tags), 'verify'].map((kind) => {
      const { text = '', program = [] } = pkg.scriptlets().find((scriptlet) => scriptlet.kind === kind) ?? {};
      return `${text || '(none)'}|${program.map((each) => `${each} `).join('')}|`;
    });
    const [scriptlets, changelog] = query(file, format, '\f', '[%{CHANGELOGTIME}|%{CHANGELOGNAME}|%{CHANGELOGTEXT}\n]').split('\f');
    expect(own.join('')).toBe(decode(scriptlets!));
    const log = pkg.changelog().map(({ timeSeconds, author, text }) => `${timeSeconds}|${author}|${text}\n`).join(''); // prettier-ignore
    expect(log).toBe(decode(changelog!).replace('(none)|(none)|(none)\n', ''));
  });
});

describe.each(PACKAGES.filter((path) => !path.includes('corrupted')))('the payload of %s', (path) => {
  it('has the files and bytes that rpm2cpio gives out', async () => {
    const file = join(FIXTURES, path);
    // rpm2cpio fails for some packages without files, after it wrote the archive.
    const cpio = spawnSync('rpm2cpio', [file], { maxBuffer: 2 ** 28 }).stdout;
    const listed = execFileSync('cpio', ['-t', '--quiet'], { input: cpio, stdio: ['pipe', 'pipe', 'ignore'] }).toString();
    const bare = (name: string): string => name.replace(/^\.?\//, '');
    const pkg = await readRpm(file);
    const names: string[] = [];
    for await (const { file: each, linkOf, content } of pkg.payload()) {
      names.push(bare(each.path));
      // Of the names of a file, one comes with its content; all state the same digest.
      if (linkOf !== undefined) {
        expect(pkg.files().find(({ path: other }) => other === linkOf)?.digest).toBe(each.digest);
        continue;
      }
      const hash = createHash(each.digest.length === 32 ? 'md5' : 'sha256');
      for await (const chunk of content) hash.update(chunk);
      if ((each.mode & 0o170000) === 0o100000) expect(hash.digest('hex'), each.path).toBe(each.digest);
    }
    expect(names.sort()).toEqual(listed.split('\n').filter((line) => line !== '').map(bare).sort()); // prettier-ignore
    const archive = await toBuffer(pkg.archive());
    expect(contents(archive).equals(contents(cpio))).toBe(true);
    if (PASSED_ON) expect(archive.equals(cpio)).toBe(true);
  });
});

/** Whether rpm2cpio gives out the archive of a package as it is; from 4.20 on it writes one anew. */
const PASSED_ON = isOlder('rpm', '4.20');

/** What an archive holds, file after file. */
function contents(archive: Buffer): Buffer {
  const argv = ['--extract', '--to-stdout', '--quiet'];
  return execFileSync('cpio', argv, { input: archive, stdio: ['pipe', 'pipe', 'ignore'], maxBuffer: 2 ** 28 });
}

async function toBuffer(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function readAll(pkg: RpmPackage): Promise<void> {
  pkg.files();
  pkg.scriptlets();
  pkg.changelog();
  for (const kind of KINDS) pkg.relations(kind);
  for await (const entry of pkg.payload()) for await (const chunk of entry.content) void chunk;
}

describe('pieces of content', () => {
  const piecesOf = async (options?: PayloadOptions): Promise<readonly Uint8Array[]> => {
    const pieces: Uint8Array[] = [];
    const pkg = await readRpm(join(FIXTURES, 'packages/rpm-upstream/hello-2.0-1.x86_64.rpm'));
    for await (const { content } of pkg.payload(options)) for await (const piece of content) pieces.push(piece);
    return pieces;
  };
  const bytesOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);

  it('can be kept', async () => {
    expect(bytesOf(await piecesOf())).toBe(7243);
  });

  it('are gone when a transient payload was read', async () => {
    expect(bytesOf(await piecesOf({ isTransient: true }))).toBe(0);
  });
});

describe('a damaged or hostile package', () => {
  const sound = readFileSync(join(FIXTURES, 'packages/rpm-upstream/foo-1.0-1.noarch.rpm'));
  const file = join(directory, 'hostile.rpm');
  const read = async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(file, bytes);
    await readAll(await readRpm(file));
  };
  const changed = (offset: number, write: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(sound);
    write(bytes.subarray(offset));
    return bytes;
  };
  /** Where the signature header begins, and the main one. */
  const SIGNATURE = 96;
  const HEADER = sound.indexOf(Buffer.from('8eade801', 'hex'), SIGNATURE + 4);

  it.each([
    ['an empty file', Buffer.alloc(0), 'ICT_RPM_LEAD_INVALID'],
    ['a text', Buffer.from('no package\n'.repeat(50)), 'ICT_RPM_LEAD_INVALID'],
    ['a lead of version 9', changed(4, (bytes) => bytes.writeUInt8(9)), 'ICT_RPM_LEAD_INVALID'],
    ['a lead alone', sound.subarray(0, 96), 'ICT_RPM_HEADER_INVALID'],
    ['half a header', sound.subarray(0, HEADER + 100), 'ICT_RPM_HEADER_INVALID'],
    ['2^32 entries', changed(SIGNATURE + 8, (bytes) => bytes.writeUInt32BE(0xffff_ffff)), 'ICT_RPM_HEADER_INVALID'],
    ['4 GB of data', changed(HEADER + 12, (bytes) => bytes.writeUInt32BE(0xffff_fff0)), 'ICT_RPM_HEADER_INVALID'],
    ['an offset outside the data', changed(HEADER + 32 + 8, (bytes) => bytes.writeInt32BE(0x7fff_ffff)), 'ICT_RPM_HEADER_INVALID'],
    ['a negative offset', changed(HEADER + 32 + 8, (bytes) => bytes.writeInt32BE(-5)), 'ICT_RPM_HEADER_INVALID'],
    ['a count beyond the data', changed(HEADER + 32 + 12, (bytes) => bytes.writeUInt32BE(0x7fff_ffff)), 'ICT_RPM_HEADER_INVALID'],
    ['an unknown type', changed(HEADER + 32 + 4, (bytes) => bytes.writeUInt32BE(77)), 'ICT_RPM_HEADER_INVALID'],
    ['a tag twice', changed(HEADER + 48, (bytes) => sound.copy(bytes, 0, HEADER + 32, HEADER + 36)), 'ICT_RPM_HEADER_INVALID'],
    [
      'a region that leaves entries out',
      changed(HEADER + 8, (bytes) => bytes.writeUInt32BE(bytes.readUInt32BE(0) - 1)),
      'ICT_RPM_HEADER_INVALID',
    ],
  ])('is refused: %s', async (_what, bytes, code) => {
    await expect(read(bytes)).rejects.toMatchObject({ code });
  });

  it('never makes the reader fail without a code', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.nat(255), async (at, byte) => {
        const outcome = await read(changed(at, (bytes) => bytes.writeUInt8(byte))).then(
          () => 'ICT_',
          (error: { readonly code?: string }) => error.code,
        );
        expect(outcome).toMatch(/^ICT_/);
      }),
      { numRuns: 300 },
    );
  });
});
