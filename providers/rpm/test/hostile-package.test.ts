import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPIO_END, cpioMember, encodeRpm, encodeRpm6, fileTags, RpmWorkshop, zeros, type HeaderValue, type RpmKey } from '@ict/fixtures';
import type { Context, RepositorySpec, ResolvedPackage } from '@ict/plugin-api';
import { createVerifier } from '@ict/verify';
import { readRpm } from '../src/package/package.js';
import { FILE_FLAG, RELATION_FLAG, RELATION_TAGS, SIGNATURE_TAG, TAG } from '../src/package/tags.js';
import { EQUAL, LESS } from '../src/relations/relation.js';
import { createPackageVerifier } from '../src/trust/verify.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-rpm-hostile-'));
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, bytes: Uint8Array): string {
  const file = join(directory, name);
  writeFileSync(file, bytes);
  return file;
}

/** Reads all of a package. @returns bytes of content by path. */
async function readAll(file: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for await (const { file: each, content } of (await readRpm(file)).payload()) {
    sizes[each.path] = 0;
    for await (const chunk of content) sizes[each.path]! += chunk.length;
  }
  return sizes;
}

describe('what a payload brings', () => {
  const header = fileTags({ '/etc/good': 5 });

  it('is read when the header describes it', async () => {
    const file = write('good.rpm', encodeRpm({ header, payload: Buffer.concat([cpioMember('./etc/good', 'good\n'), CPIO_END]) }));
    expect(await readAll(file)).toEqual({ '/etc/good': 5 });
    // The file is one for rpm, too.
    const listed = execFileSync('rpm', ['-qp', '--nosignature', '--qf', '%{NEVRA} [%{FILENAMES} %{LONGFILESIZES}]', file]);
    expect(listed.toString()).toBe('made-1-1.noarch /etc/good 5');
  });

  it.each([
    ['a path that leaves the root', cpioMember('./../../etc/passwd', 'root:')],
    ['an absolute path that nobody announced', cpioMember('/etc/passwd', 'root:')],
    ['a path through what was announced', cpioMember('./etc/good/../../passwd', 'root:')],
    ['a link in the place of a file', cpioMember('./etc/good', '/root', 0o120777)],
    ['a device in the place of a file', cpioMember('./etc/good', '', 0o020666)],
    ['more than was announced', cpioMember('./etc/good', 'x'.repeat(6))],
  ])('is refused: %s', async (_what, member) => {
    const file = write('escaping.rpm', encodeRpm({ header, payload: Buffer.concat([member, CPIO_END]) }));
    await expect(readAll(file)).rejects.toMatchObject({ code: 'ICT_RPM_PAYLOAD_INVALID' });
  });

  it.each([['/etc/../../passwd'], ['etc/passwd']])('is refused where the header itself names %s', async (path) => {
    const payload = Buffer.concat([cpioMember(path, 'root:'), CPIO_END]);
    await expect(readAll(write('header.rpm', encodeRpm({ header: fileTags({ [path]: 5 }), payload })))).rejects.toMatchObject({
      code: 'ICT_RPM_HEADER_INVALID',
    });
  });
});

describe('names that are no UTF-8', () => {
  it('are the same in the header and in the payload, also where a directory is Latin-1 and its file UTF-8', async () => {
    const raw = ['/usr/b\xe4r', '/usr/b\xe4r/\xc3\xb6', '/usr/\xc3\xb6'];
    const latin1 = (parts: readonly string[]): HeaderValue => ({ texts: parts.map((part) => Buffer.from(part, 'latin1')) });
    const header = {
      ...fileTags(Object.fromEntries(raw.map((path) => [path, 1]))),
      [TAG.BASENAMES]: latin1(raw.map((path) => path.slice(path.lastIndexOf('/') + 1))),
      [TAG.DIRNAMES]: latin1(raw.map((path) => path.slice(0, path.lastIndexOf('/') + 1))),
    };
    const members = raw.map((path) => cpioMember(Buffer.from(`.${path}`, 'latin1'), 'x'));
    const file = write('latin1.rpm', encodeRpm({ header, payload: Buffer.concat([...members, CPIO_END]) }));
    expect(await readAll(file)).toEqual({ '/usr/b\xe4r': 1, '/usr/b\xe4r/\xc3\xb6': 1, '/usr/\xf6': 1 });
  });
});

describe('a payload in the stripped form', () => {
  it('has the content of links in the last that it brings, whatever is only owned', async () => {
    const paths = ['/etc/a', '/etc/b', '/etc/c'];
    const header = {
      ...fileTags(Object.fromEntries(paths.map((path) => [path, 5]))),
      [TAG.FILEINODES]: { width: 4, numbers: [1, 1, 1] },
      [TAG.FILEFLAGS]: { width: 4, numbers: [0, 0, FILE_FLAG.GHOST] },
    } as const;
    const member = (index: number, content = ''): Buffer => {
      const bytes = Buffer.from(`07070X${index.toString(16).padStart(8, '0')}\0\0${content}`);
      return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
    };
    const file = write('ghost.rpm', encodeRpm({ header, payload: Buffer.concat([member(0), member(1, 'good\n'), CPIO_END]) }));
    expect(await readAll(file)).toEqual({ '/etc/b': 5, '/etc/a': 0 });
  });
});

describe('a file of 4.5 GB in a package of some kilobytes', () => {
  const SIZE = 4.5 * 2 ** 30;
  /** Bytes that the test takes of it: all of them take half a minute, in the same memory. */
  const READ = 2 ** 28;
  // Sizes above 4 GB have no place in the usual form; rpm then writes numbers of files.
  const stripped = Buffer.from('07070X00000000\0\0');
  const payload = zeros(stripped, SIZE, CPIO_END);
  const rpm = (sizeBytes: number): string =>
    write('large.rpm', encodeRpm({ header: { ...fileTags({ '/large': sizeBytes }), [TAG.PAYLOADCOMPRESSOR]: { text: 'zstd' } }, payload }));

  it('is read in constant memory, as far as anybody reads', async () => {
    expect(payload.length).toBeLessThan(200_000);
    const before = process.memoryUsage().rss;
    let most = before;
    let sizeBytes = 0;
    for await (const { file, content } of (await readRpm(rpm(SIZE))).payload()) {
      expect(file.sizeBytes).toBe(SIZE);
      for await (const chunk of content) {
        sizeBytes += chunk.length;
        if (sizeBytes % 2 ** 22 < chunk.length) most = Math.max(most, process.memoryUsage().rss);
        if (sizeBytes > READ) break;
      }
      break;
    }
    expect(sizeBytes).toBeGreaterThan(READ);
    expect(most - before).toBeLessThan(READ / 2);
  });

  it('is refused at once when the header announces less, or the reader allows less', async () => {
    await expect(readAll(rpm(5))).rejects.toMatchObject({ code: expect.stringMatching(/^ICT_(RPM_PAYLOAD_INVALID|ARCHIVE_CPIO)$/) });
    const pkg = await readRpm(rpm(SIZE), { maxPayloadBytes: 2 ** 20 });
    const read = async (): Promise<void> => {
      for await (const chunk of pkg.archive()) void chunk;
    };
    await expect(read()).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TOO_LARGE' });
  });
});

describe('a package of rpm 6, with its signatures under the new tag alone', () => {
  const workshop = new RpmWorkshop();
  const verifier = createVerifier({ workers: 1 });
  const now = Math.floor(Date.now() / 1000) + 3600;
  let keys: readonly [RpmKey, RpmKey];
  beforeAll(() => {
    keys = [workshop.key('first'), workshop.key('second')];
  });
  afterAll(async () => {
    workshop.close();
    await verifier.close();
  });

  /** Of one file, in the stripped form that rpm 6 always uses. */
  const payload = Buffer.concat([Buffer.from('07070X00000000\0\0'), Buffer.from('good\n'), Buffer.alloc(3), CPIO_END]);
  const described = fileTags({ '/etc/good': 5 });

  interface Six {
    readonly by?: readonly RpmKey[];
    /** What is signed in place of the header. */
    readonly change?: (header: Buffer) => Buffer;
    /** Tags of the header, and of the signature header, that are other than they should be. */
    readonly header?: Readonly<Record<number, HeaderValue>>;
    readonly signature?: Readonly<Record<number, HeaderValue>>;
  }

  function signed({ by = [], change = (header) => header, header = {}, signature = {} }: Six): string {
    const sign = (bytes: Buffer): Readonly<Record<number, HeaderValue>> => {
      const input = write('header', change(bytes));
      const texts = by.map(({ home }) =>
        execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--output', '-', '--detach-sign', input]).toString('base64'),
      );
      const signatures: Readonly<Record<number, HeaderValue>> = by.length === 0 ? {} : { [SIGNATURE_TAG.OPENPGP]: { texts } };
      return { ...signatures, ...signature };
    };
    return write('six.rpm', encodeRpm6({ header: { ...described, ...header }, payload, sign }));
  }

  function verdict(file: string, keyrings: readonly string[], options: Partial<RepositorySpec> = {}): Promise<string> {
    const repository: RepositorySpec = { id: 'six', archive: 'http://archive.example', suite: '', components: [], keyrings, ...options };
    const expected = { id: 'made:noarch', name: 'made', version: '1-1', arch: 'noarch', repository: 'six' } as ResolvedPackage;
    const ctx = { signal: new AbortController().signal, clock: () => now, verify: verifier } as unknown as Context;
    return createPackageVerifier()
      .verify(file, expected, repository, ctx)
      .then(
        () => 'good',
        (error: { readonly code: string }) => error.code,
      );
  }

  it('is good when one of them is by a key of the repository', async () => {
    const file = signed({ by: keys });
    const pkg = await readRpm(file);
    expect([pkg.format, pkg.isSource, pkg.arch]).toEqual([6, false, 'noarch']);
    expect(await readAll(file)).toEqual({ '/etc/good': 5 });
    expect(await verdict(file, [keys[0].keyring])).toBe('good');
    expect(await verdict(file, [keys[1].keyring])).toBe('good');
  });

  it('is not unpacked when its payload is aligned, which rpm has a feature for', async () => {
    const [names, versions, flags] = RELATION_TAGS.requires;
    const needs: Readonly<Record<number, HeaderValue>> = {
      [flags]: { width: 4, numbers: [RELATION_FLAG.RPMLIB | LESS | EQUAL] },
      [names]: { texts: ['rpmlib(PayloadAlignment)'] },
      [versions]: { texts: ['6.2.0-1'] },
    };
    const aligned = Buffer.concat([Buffer.from('07070X00000000\0\0'), Buffer.alloc(4080), Buffer.alloc(4096, 'x'), CPIO_END]);
    const file = write('aligned.rpm', encodeRpm6({ header: { ...fileTags({ '/etc/good': 4096 }), ...needs }, payload: aligned }));
    await expect(readAll(file)).rejects.toMatchObject({
      code: 'ICT_RPM_PAYLOAD_INVALID',
      facts: { reason: 'feature "rpmlib(PayloadAlignment)"' },
    });
  });

  it('is read by rpm of today as we read it', () => {
    const tags = ['NEVRA', 'ENCODING', 'PAYLOADDIGEST'].map((tag) => `%{${tag}}`).join(' ');
    const told = execFileSync('rpm', ['-qp', '--nosignature', '--nodigest', '--qf', tags, signed({ by: keys })]).toString();
    expect(told).toBe(`made-1-1.noarch utf-8 ${createHash('sha256').update(payload).digest('hex')}`);
  });

  it('is refused when none is, or they are of another header, or there is none', async () => {
    expect(await verdict(signed({ by: [keys[0]] }), [keys[1].keyring])).toBe('ICT_RPM_PACKAGE_UNKNOWN_KEY');
    const change = (header: Buffer): Buffer => Buffer.concat([header.subarray(0, -1), Buffer.from([1])]);
    expect(await verdict(signed({ by: [keys[0]], change }), [keys[0].keyring])).toBe('ICT_RPM_PACKAGE_SIGNATURE');
    expect(await verdict(signed({}), [keys[0].keyring])).toBe('ICT_RPM_PACKAGE_UNSIGNED');
  });

  it.each([
    ['SHA256 of the header', {}, { [SIGNATURE_TAG.SHA256]: { text: '0'.repeat(64) } }],
    ['SHA3-256 of the header', {}, { [SIGNATURE_TAG.SHA3_256]: { text: '0'.repeat(64) } }],
    ['SHA256 of the payload', { [TAG.PAYLOADDIGEST]: { texts: ['0'.repeat(64)] } }, {}],
    ['SHA512 of the payload', { [TAG.PAYLOADSHA512]: { text: '0'.repeat(128) } }, {}],
    ['SHA3-256 of the payload', { [TAG.PAYLOADSHA3_256]: { text: '0'.repeat(64) } }, {}],
  ] as const)('is refused when its %s is another, whoever has signed that', async (_what, header, signature) => {
    const file = signed({ by: [keys[0]], header, signature });
    expect(await verdict(file, [keys[0].keyring])).toBe('ICT_RPM_PACKAGE_DIGEST');
    expect(await verdict(file, [keys[0].keyring], { gpgCheck: false })).toBe('ICT_RPM_PACKAGE_DIGEST');
  });

  it('needs no signature where its repository says so: its digests are strong', async () => {
    expect(await verdict(signed({}), [], { gpgCheck: false })).toBe('good');
  });
});
