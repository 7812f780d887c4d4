import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ContentHasher, HashingTransform, digestOf, hashFile, hashing } from '../src/index.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-integrity-'));
});
afterAll(() => rm(directory, { recursive: true }));

it.each([0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024 + 7])('hashes a file of %i bytes', async (size) => {
  const bytes = Buffer.alloc(size, 'abc');
  const file = join(directory, `file-${size}`);
  await writeFile(file, bytes);
  expect(await hashFile(file)).toEqual({ digest: digestOf(bytes), sizeBytes: size });
});

it('stops when the signal is aborted', async () => {
  const file = join(directory, 'aborted');
  await writeFile(file, 'x');
  await expect(hashFile(file, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
});

it('leaves the error of the system as it is', async () => {
  await expect(hashFile(join(directory, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it('hashes and passes on whatever the pieces', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1 })), async (pieces) => {
      const whole = Buffer.concat(pieces);
      const hasher = new ContentHasher();
      const passed: Uint8Array[] = [];
      for await (const piece of hashing(pieces, hasher)) passed.push(piece);
      expect(Buffer.concat(passed)).toEqual(whole);
      expect(hasher.finish()).toEqual({ digest: digestOf(whole), sizeBytes: whole.length });
      expect(hasher.finish()).toBe(hasher.finish());

      const transform = new HashingTransform();
      expect(
        await buffer(
          Readable.from(
            pieces.map((piece) => Buffer.from(piece)),
            { objectMode: false },
          ).pipe(transform),
        ),
      ).toEqual(whole);
      expect(transform.identity()).toEqual(hasher.finish());
      expect(transform.sizeBytes).toBe(whole.length);
    }),
    { numRuns: 50 },
  );
});
