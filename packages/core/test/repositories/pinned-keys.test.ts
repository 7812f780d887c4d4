import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { DistributionDefinition } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { parseDistribution, requireDistribution } from '@ict/template';
import { parseKeyring } from '@ict/verify';
import { describe, expect, it } from 'vitest';
import { requirePinnedKeys } from '../../src/repositories/pinned-keys.js';

const providers = fileURLToPath(new URL('../../../../providers', import.meta.url));
const shipped = readdirSync(providers).flatMap((provider) => {
  const directory = `${providers}/${provider}/distros`;
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map((name) => {
    const file = `${directory}/${name}`;
    return [name, requireDistribution(parseDistribution(readFileSync(file, 'utf8'), file))] as const;
  });
});
const [, debian] = shipped.find(([name]) => name === 'debian13.yml')!;

/** A definition whose first repository has these fingerprints and keyrings. */
function pinning(fingerprints: readonly string[], keyrings = debian.repositories[0].keyrings): DistributionDefinition {
  return { ...debian, repositories: [{ ...debian.repositories[0], fingerprints, keyrings }] };
}

describe('shipped definitions', () => {
  it.each(shipped)('%s pins the keys of its keyrings, all of them and no others', async (_name, definition) => {
    await using ctx = fakeContext();
    // Where a definition brings no keyring, fingerprints say which keys `--keyring` has to.
    const repositories = definition.repositories.filter(({ keyrings }) => keyrings.length > 0);
    for (const { keyrings, fingerprints = [] } of repositories) {
      const held = await Promise.all(keyrings.map(async (file) => (await parseKeyring(await readFile(file))).keys));
      expect([...fingerprints].sort()).toEqual(held.flatMap((keys) => keys.map(({ fingerprint }) => fingerprint)).sort());
    }
    await expect(requirePinnedKeys({ ...definition, repositories }, ctx.memo)).resolves.toBeUndefined();
  });

  it('pin something', () => {
    expect(shipped.flatMap(([, { repositories }]) => repositories.flatMap(({ fingerprints = [] }) => fingerprints)).length).toBeGreaterThan(
      9,
    );
  });
});

describe('requirePinnedKeys', () => {
  const [key = ''] = debian.repositories[0].fingerprints ?? [];

  it('takes a fingerprint as people write it', async () => {
    await using ctx = fakeContext();
    const written = key.toLowerCase().replaceAll(/(.{4})/g, '$1 ');
    await expect(requirePinnedKeys(pinning([written]), ctx.memo)).resolves.toBeUndefined();
  });

  it('refuses a keyring that lacks one, also when its content is remembered', async () => {
    await using ctx = fakeContext();
    const other = 'ABCD'.repeat(10);
    const refused = {
      code: 'ICT_DISTRO_FINGERPRINT',
      message: `the keyrings of repository "debian-trixie" lack keys that the definition of ${debian.title} names: ${other}`,
      facts: { repository: 'debian-trixie', missing: [other] },
    };
    await expect(requirePinnedKeys(pinning([key, other]), ctx.memo)).rejects.toMatchObject(refused);
    await expect(requirePinnedKeys(pinning([key, other]), ctx.memo)).rejects.toMatchObject(refused);
  });

  it('tells of a repository of the template by itself', async () => {
    await using ctx = fakeContext();
    const other = 'ABCD'.repeat(10);
    await expect(requirePinnedKeys(pinning([key, other]), ctx.memo, new Set(['debian-trixie']))).rejects.toMatchObject({
      code: 'ICT_REPOSITORY_FINGERPRINT',
      facts: { repository: 'debian-trixie', missing: [other], held: expect.arrayContaining([key]) as unknown },
    });
  });

  it('leaves keys at addresses to those who fetch them', async () => {
    await using ctx = fakeContext();
    const keyrings = ['https://a.test/k.asc', ...debian.repositories[0].keyrings];
    await expect(requirePinnedKeys(pinning(['ABCD'.repeat(10)], keyrings), ctx.memo)).resolves.toBeUndefined();
  });

  it.each([
    ['that cannot be read', '/none.pgp'],
    ['without any OpenPGP key, such as one of another ecosystem', fileURLToPath(import.meta.url)],
  ])('leaves a keyring %s to the provider', async (_what, file) => {
    await using ctx = fakeContext();
    await expect(requirePinnedKeys(pinning([key], [file]), ctx.memo)).resolves.toBeUndefined();
  });
});
