import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { block, pax, tar } from './tar-blocks.js';
import { allEntries, sh, temporaryDirectory } from './workspace.js';

describe('any input', () => {
  const codes = [
    'ICT_ARCHIVE_TAR_HEADER',
    'ICT_ARCHIVE_TAR_NAME',
    'ICT_ARCHIVE_TAR_UNSUPPORTED',
    'ICT_ARCHIVE_TRUNCATED',
    'ICT_ARCHIVE_TOO_LARGE',
  ];
  const outcome = (bytes: Uint8Array): Promise<string | undefined> =>
    allEntries(bytes, { pieces: 700, maxSparseBytes: 2 ** 20 }).then(
      () => 'read',
      (error: { code?: string }) => error.code,
    );

  it('ends or fails with its own code: random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        expect(['read', ...codes]).toContain(await outcome(bytes));
      }),
    );
  });

  it('ends or fails with its own code: signed headers with random fields', async () => {
    const fieldText = fc.oneof(fc.constantFrom('0', '00000000012', '77777777777', '-1', ' 5 '), fc.string({ maxLength: 12 }));
    const record = fc.tuple(
      fc.constantFrom(
        'path',
        'size',
        'uid',
        'mtime',
        'GNU.sparse.major',
        'GNU.sparse.minor',
        'GNU.sparse.size',
        'GNU.sparse.realsize',
        'GNU.sparse.map',
        'GNU.sparse.offset',
        'GNU.sparse.numbytes',
        'SCHILY.xattr.user.x',
      ),
      fc.oneof(fc.constantFrom('0', '1', '10', '0,5,7,3', '9007199254740993'), fc.string()),
    );
    const header = fc.oneof(
      fc
        .record({
          type: fc.constantFrom('0', '1', '2', '3', '5', 'S', 'L', 'K', 'x', 'g', 'M', '\0'),
          magic: fc.constantFrom('ustar\u000000', 'ustar  \0', ''),
          size: fieldText,
          uid: fieldText,
          link: fc.string({ maxLength: 5 }),
          content: fc.string({ maxLength: 600 }),
        })
        .map(block),
      fc.array(record, { maxLength: 5 }).map((records) => block({ type: 'x', content: pax(...records) })),
      fc.string({ maxLength: 30 }).map((content) => block({ content })),
      fc.array(fc.nat(40), { maxLength: 8 }).map((numbers) =>
        block({
          content: numbers
            .map((value) => `${value}\n`)
            .join('')
            .padEnd(520, '\0'),
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(header, { maxLength: 6 }), async (blocks) => {
        expect(['read', ...codes]).toContain(await outcome(tar(...blocks)));
      }),
      { numRuns: 2000 },
    );
  });

  it('ends or fails with its own code: real archives with damage', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'f'), 'content');
    sh('ln f g; ln -s f h; mkdir d; touch d/é; tar --format=posix -cf t.tar f g h d', directory);
    const archive = readFileSync(join(directory, 't.tar'));
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 }), async (at, bytes) => {
        const damaged = Buffer.from(archive);
        damaged.set(bytes.subarray(0, archive.length - at), at);
        expect(['read', ...codes]).toContain(await outcome(damaged));
      }),
      { numRuns: 500 },
    );
  });
});
