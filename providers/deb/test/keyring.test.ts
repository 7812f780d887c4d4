import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { RepositorySpec } from '@ict/plugin-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listKeys, readKeyrings } from '../src/trust/keyring.js';

const shipped = new URL('../keyrings/debian-archive-keyring.pgp', import.meta.url);
const repository: RepositorySpec = {
  id: 'test',
  archive: 'http://archive.test',
  suite: 'x',
  components: ['main'],
  keyrings: [fileURLToPath(shipped)],
};

describe('the shipped keyrings', () => {
  it('hold exactly the keys that their README names', async () => {
    const directory = new URL('../keyrings/', import.meta.url);
    const readme = await readFile(new URL('README.md', directory), 'utf8');
    const named = Array.from(readme.matchAll(/^\| `([0-9A-F]{40})` \|/gm), ([, fingerprint]) => fingerprint);
    const files = (await readdir(directory)).filter((name) => name !== 'README.md');
    const held = await Promise.all(files.map(async (name) => listKeys(await readFile(new URL(name, directory)))));
    const primary = held.flat().filter((key) => key.primary);
    expect(primary.map(({ fingerprint }) => fingerprint).sort()).toEqual(named.sort());
  });

  it('hold the subkeys that sign Debian 12 and 13', async () => {
    const ids = listKeys(await readFile(shipped)).map(({ keyId }) => keyId);
    expect(ids).toEqual(
      expect.arrayContaining(['6ED0E7B82643E131', '78DBA3BC47EF2265', '762F67A0B2C39DE4', 'BDE6D2B9216EC7A8', '8E9F831205B4BA95']),
    );
  });
});

describe('listKeys', () => {
  it('reads armour as it reads binary', async () => {
    const binary = await readFile(shipped);
    const base64 = binary.toString('base64').replace(/.{64}/g, '$&\n');
    const armoured = `Comment above\n-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\n${base64}\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n`;
    expect(listKeys(Buffer.from(armoured))).toEqual(listKeys(binary));
    expect(listKeys(Buffer.from(armoured.replaceAll('\n', '\r\n')))).toEqual(listKeys(binary));
  });

  it('ends quietly in rubbish', async () => {
    const binary = await readFile(shipped);
    fc.assert(
      fc.property(fc.nat({ max: binary.length }), fc.uint8Array({ maxLength: 40 }), (cut, rubbish) => {
        expect(listKeys(Buffer.concat([binary.subarray(0, cut), rubbish])).every(({ keyId }) => /^[0-9A-F]{16}$/.test(keyId))).toBe(true);
      }),
    );
    expect(listKeys(new Uint8Array())).toEqual([]);
  });
});

describe('readKeyrings', () => {
  it('reads each', () => {
    expect(readKeyrings(repository).map((bytes) => bytes.length)).toEqual([55918]);
  });

  it.each([
    [[], 'names no keyring'],
    [['/nowhere/at/all.pgp'], 'cannot be read: ENOENT'],
    [['/dev/zero'], 'cannot be read: ENXIO: a FIFO, socket or device in the place of a file'],
  ])('refuses %j, and says that it %s', (keyrings, why) => {
    const refused = { code: 'ICT_DEB_KEYRING_UNREADABLE', message: expect.stringContaining(why) as string };
    expect(() => readKeyrings({ ...repository, keyrings })).toThrow(expect.objectContaining(refused));
  });
});
