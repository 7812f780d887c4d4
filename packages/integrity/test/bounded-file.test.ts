import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readBounded } from '../src/index.js';

const MAX_BYTES = 1_000_000;
const directory = mkdtempSync(join(tmpdir(), 'ict-bounded-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(text: string): string {
  const file = join(directory, String(text.length));
  writeFileSync(file, text);
  return file;
}

/** About the sizes at which more room is made, and the largest. */
const SIZES = [0, 1, 32_767, 32_768, 32_769, 65_536, 100_000, MAX_BYTES - 1, MAX_BYTES];

it.each(SIZES)('reads all of a file of %i bytes', async (size) => {
  const text = Array.from({ length: size }, (_, n) => String(n % 10)).join('');
  expect((await readBounded(fileOf(text), MAX_BYTES)).toString()).toBe(text);
});

it.each([MAX_BYTES + 1, MAX_BYTES + 2, 5 * MAX_BYTES])('reads one byte too many of a file of %i bytes', async (size) => {
  expect(await readBounded(fileOf('x'.repeat(size)), MAX_BYTES)).toHaveLength(MAX_BYTES + 1);
});

it.each([0, 10, MAX_BYTES])('ends with a file that does not, after %i bytes and one', async (maxBytes) => {
  expect(await readBounded('/dev/zero', maxBytes)).toHaveLength(maxBytes + 1);
});

describe('of pipes', () => {
  it('reads one without a name, as of `<(command)`', () => {
    const reader = `import { readBounded } from '@ict/integrity'; process.stdout.write(await readBounded(process.argv[1], 100));`;
    const script = '"$0" --input-type=module --eval "$1" <(echo text)';
    expect(execFileSync('bash', ['-c', script, process.execPath, reader], { cwd: import.meta.dirname, encoding: 'utf8' })).toBe('text\n');
  });

  it('refuses one with a name, also through a link, at once', async () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    symlinkSync(fifo, join(directory, 'link'));
    for (const path of [fifo, join(directory, 'link')]) {
      await expect(readBounded(path, MAX_BYTES)).rejects.toMatchObject({ code: 'ENXIO', path });
    }
  });
});

it('stops when told', async () => {
  await expect(readBounded('/dev/zero', MAX_BYTES, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});
