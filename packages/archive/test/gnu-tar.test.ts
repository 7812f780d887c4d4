import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allEntries, sh, temporaryDirectory } from './workspace.js';

describe('GNU tar', () => {
  it.each(['v7', 'ustar', 'oldgnu', 'gnu', 'pax', 'posix'])('writes %s, and all of it is read', async (format) => {
    const directory = temporaryDirectory();
    const long =
      format === 'v7' ? 'short' : format === 'ustar' ? `${'d'.repeat(80)}/${'e'.repeat(80)}` : `${'d'.repeat(120)}/${'e'.repeat(130)}`;
    sh(
      `mkdir -p t/${long}; cd t; printf hello > file; ln file hard; ln -s file sym; : > empty; head -c 100000 /dev/zero > ${long}/zeros
       chmod 4755 file; chmod 1777 .; touch -h -d @1234567890 file sym ${long} .; tar --format=${format} --sort=name --owner=12 --group=34 -cf ../t.tar .`,
      directory,
    );
    const entries = await allEntries(readFileSync(join(directory, 't.tar')), { pieces: 1000 });
    const listed = sh('tar -tf t.tar', directory)
      .toString()
      .trim()
      .split('\n')
      .map((line) => (line === './' ? '.' : line.replace(/\/$/, '')));
    expect(entries.map(({ path }) => path)).toEqual(listed);
    const byPath = new Map(entries.map((entry) => [entry.path, entry]));
    expect(byPath.get('./file')).toMatchObject({
      type: 'file',
      mode: 0o4755,
      uid: 12,
      gid: 34,
      mtimeSeconds: 1234567890,
      bytes: Buffer.from('hello'),
    });
    expect(byPath.get('./hard')).toMatchObject({ type: 'hardlink', linkTarget: './file', sizeBytes: 0 });
    expect(byPath.get('./sym')).toMatchObject({ type: 'symlink', linkTarget: 'file', mtimeSeconds: 1234567890 });
    expect(byPath.get('.')).toMatchObject({ type: 'directory', mode: 0o1777 });
    expect(byPath.get(`./${long}/zeros`)?.bytes.equals(Buffer.alloc(100000))).toBe(true);
  });

  it.each([
    '--format=gnu',
    '--format=posix --sparse-version=0.0',
    '--format=posix --sparse-version=0.1',
    '--format=posix --sparse-version=1.0',
  ])('writes sparse files with %s', async (options) => {
    const directory = temporaryDirectory();
    // Thirty parts, so that old GNU headers need extension blocks.
    sh(
      `i=0; while [ $i -lt 30 ]; do printf "part $i" | dd of=sparse bs=1 seek=$((i * 100000 + 5000)) conv=notrunc status=none; i=$((i + 1)); done
       truncate -s 3500000 sparse; printf after > tail; tar -S ${options} -cf t.tar sparse tail`,
      directory,
    );
    const archive = readFileSync(join(directory, 't.tar'));
    expect(archive.length).toBeLessThan(1_000_000);
    const [sparse, tail] = await allEntries(archive);
    expect(sparse).toMatchObject({ path: 'sparse', type: 'file', sizeBytes: 3500000 });
    expect(sparse?.bytes.equals(readFileSync(join(directory, 'sparse')))).toBe(true);
    expect(tail?.bytes.toString()).toBe('after');
  });
});
