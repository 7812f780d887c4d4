import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDeb, writePlainDeb } from '../src/index.js';
import { FIXTURES, run, sh, temporaryDirectory } from './workspace.js';

const DASH = join(FIXTURES, 'dash_0.5.12-2_amd64.deb');

/** A package with more than a small member of bytes that do not compress away. */
function largePackage(directory: string, options: string): string {
  sh(
    `mkdir -p p/DEBIAN p/usr/share/x; printf 'Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' > p/DEBIAN/control
     openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 600001 > p/usr/share/x/bytes; ln p/usr/share/x/bytes p/usr/share/x/again
     chmod -R u=rwX,go=rX p; dpkg-deb --root-owner-group ${options} --build p x.deb >/dev/null`,
    directory,
  );
  return join(directory, 'x.deb');
}

describe('a package with nothing compressed', () => {
  it.each(['-Zxz', '-Zgzip', '-Zzstd', '-Znone'])('is to dpkg-deb what the package is, built with %s', async (options) => {
    const directory = temporaryDirectory();
    const file = largePackage(directory, options);
    const out = join(directory, 'plain.deb');
    await writePlainDeb(file, out);
    for (const what of ['--fsys-tarfile', '--ctrl-tarfile'])
      expect(run('dpkg-deb', [what, out]).equals(run('dpkg-deb', [what, file]))).toBe(true);
    expect((await readDeb(out)).compression).toEqual({ control: 'none', data: 'none' });
    expect(execFileSync('ar', ['t', out]).toString()).toBe('debian-binary\ncontrol.tar\ndata.tar\n');
  });

  it('is the same with and without an xz program, and made of itself', async () => {
    const directory = temporaryDirectory();
    const made = ['with', 'without', 'again'].map((name) => join(directory, name)) as [string, string, string];
    await writePlainDeb(DASH, made[0]);
    await writePlainDeb(DASH, made[1], { searchPath: '' });
    await writePlainDeb(made[0], made[2]);
    const [first, ...others] = made.map((file) => readFileSync(file));
    for (const other of others) expect(other.equals(first as Buffer)).toBe(true);
  });

  it('leaves nothing behind of a damaged package', async () => {
    const directory = temporaryDirectory();
    const file = largePackage(directory, '-Zxz');
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
    const out = join(directory, 'plain.deb');
    await expect(writePlainDeb(file, out)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CORRUPT' });
    truncateSync(file, bytes.length - 1000);
    await expect(writePlainDeb(file, out)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TRUNCATED' });
    expect(existsSync(out)).toBe(false);
  });

  it('is not larger than it may be', async () => {
    const directory = temporaryDirectory();
    const file = largePackage(directory, '-Zxz');
    const out = join(directory, 'plain.deb');
    await expect(writePlainDeb(file, out, { maxDataBytes: 600_000 })).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TOO_LARGE' });
    expect(existsSync(out)).toBe(false);
  });

  it('ends with the signal', async () => {
    const directory = temporaryDirectory();
    const stopping = new AbortController();
    const writing = writePlainDeb(largePackage(directory, '-Zxz'), join(directory, 'plain.deb'), { signal: stopping.signal });
    stopping.abort(new Error('enough'));
    await expect(writing).rejects.toThrow('enough');
    expect(existsSync(join(directory, 'plain.deb'))).toBe(false);
  });
});
