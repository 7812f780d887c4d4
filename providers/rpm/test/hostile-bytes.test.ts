import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isIctError } from '@ict/plugin-api';
import { parseMetalink } from '../src/metadata/metalink.js';
import { createModulesReader } from '../src/metadata/modules.js';
import { readRpm } from '../src/package/package.js';
import { isBelow, parseRepomd } from '../src/metadata/repomd.js';
import { FIXTURES, packagePaths } from './fixture-index.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-rpm-hostile-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Sound bytes of which a part, within the first `reach`, is replaced by others, more or fewer; and any bytes at all. */
function hostile(sound: Buffer, reach = sound.length): fc.Arbitrary<Buffer> {
  const splice = fc.tuple(fc.nat(reach), fc.nat(30), fc.uint8Array({ maxLength: 30 }));
  const spliced = fc
    .array(splice, { minLength: 1, maxLength: 3 })
    .map((all) =>
      all.reduce((bytes, [at, gone, other]) => Buffer.concat([bytes.subarray(0, at), other, bytes.subarray(at + gone)]), sound),
    );
  const unrelated = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 3, arbitrary: spliced }, { weight: 1, arbitrary: unrelated });
}

/** Asserts that sound bytes are read, and each variant of them ({@link hostile}) is, too, or refused with one of these codes. */
async function readsOrRefuses(sound: Buffer, read: (bytes: Buffer) => Promise<unknown>, codes: RegExp, reach?: number): Promise<void> {
  await read(sound);
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(hostile(sound, reach), async (bytes) => {
      try {
        await read(bytes);
      } catch (error) {
        if (!isIctError(error)) throw error;
        expect(error.code).toMatch(codes);
        refused++;
      }
    }),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(0);
}

/** The fixture repository's metadata file whose name ends so. */
function metadata(repository: string, end: string): Buffer {
  const repodata = join(FIXTURES, 'repos', repository, 'repodata');
  return readFileSync(join(repodata, readdirSync(repodata).find((name) => name.endsWith(end))!));
}

const REPOSITORY = 'createrepo_c-additional-metadata';

describe('any bytes are read, or refused with a code of their own:', () => {
  it('as packages, whose headers say what is where', async () => {
    const sound = readFileSync(join(FIXTURES, packagePaths()[0]!));
    const file = join(directory, 'package.rpm');
    const read = async (bytes: Buffer): Promise<void> => {
      writeFileSync(file, bytes);
      const pkg = await readRpm(file);
      expect(pkg.payloadRange.offset).toBeLessThanOrEqual(bytes.length);
      pkg.files();
      pkg.relations('requires');
      pkg.scriptlets();
      pkg.changelog();
    };
    await readsOrRefuses(sound, read, /^ICT_RPM_(LEAD|HEADER|PAYLOAD|RELATION|VERSION)_INVALID$/, 6000);
  });

  it('as repomd.xml, whose files are then below the repository', async () => {
    const read = async (bytes: Buffer): Promise<void> => {
      for (const { path } of parseRepomd(bytes, 'r').data) expect(isBelow(path)).toBe(true);
    };
    await readsOrRefuses(metadata(REPOSITORY, 'repomd.xml'), read, /^ICT_RPM_REPOMD_INVALID$/);
  });

  it('as metalinks, whose mirrors are then addresses', async () => {
    const read = async (bytes: Buffer): Promise<void> => {
      const { urls = [] } = parseMetalink(bytes, 'm') ?? {};
      for (const url of urls) expect(URL.canParse(url)).toBe(true);
    };
    await readsOrRefuses(readFileSync(join(FIXTURES, 'metalinks/metalink_good_01')), read, /^ICT_RPM_INDEX_INVALID$/);
  });

  it('as lists of modules', async () => {
    const all = gunzipSync(metadata(REPOSITORY, 'modules.yaml.gz')).toString();
    const documents = all.split(/^(?=---$)/m).sort((a, b) => a.length - b.length);
    const sound = Buffer.from(documents.slice(0, 2).join(''));
    const read = async (bytes: Buffer): Promise<unknown> => {
      const reader = await createModulesReader('modules.yaml');
      reader.write(bytes);
      return reader.end();
    };
    await readsOrRefuses(sound, read, /^ICT_RPM_INDEX_INVALID$/);
  });
});
