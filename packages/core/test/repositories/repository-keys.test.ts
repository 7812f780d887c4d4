import type { DistributionDefinition, RepositorySpec } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { missingKeys, requireKeys, unpinnedKeys, withKeyrings } from '../../src/repositories/repository-keys.js';

const repository = (id: string, ...keyrings: readonly string[]): RepositorySpec => ({
  id,
  archive: 'http://archive.test',
  suite: 'one',
  components: ['main'],
  keyrings,
});
const definition = (...repositories: readonly RepositorySpec[]): DistributionDefinition => ({
  apiVersion: 1,
  ecosystem: 'acme',
  os: 'acme',
  dist: 'acme1',
  title: 'Acme 1',
  architectures: ['x86_64'],
  repositories,
  essential: { priorities: [], packages: [] },
  boot: { kernel: '/boot/vmlinuz-*', initrd: '/boot/initrd', makeInitrd: ['true'], loaders: {} },
  tools: { packages: {} },
  defaults: {},
});
const mixed = definition(repository('own', '/own.asc'), repository('one'), repository('two'));

describe('keyrings of the command line', () => {
  it('count for repositories that name none, and for no others', () => {
    const { repositories } = withKeyrings(mixed, ['/a.asc', '/b.asc']);
    expect(repositories.map(({ keyrings }) => keyrings)).toEqual([['/own.asc'], ['/a.asc', '/b.asc'], ['/a.asc', '/b.asc']]);
    expect(missingKeys(withKeyrings(mixed, ['/a.asc']))).toEqual([]);
  });

  it('are asked for where they are missing, by name of repository', () => {
    const [problem, ...more] = missingKeys(withKeyrings(mixed, []));
    expect(more).toEqual([]);
    expect(problem?.message).toBe('the definition of Acme 1 brings no keys for one, two');
    expect(problem?.hint).toContain('--keyring FILE');
    expect(() => requireKeys(mixed)).toThrow(expect.objectContaining({ code: 'ICT_DISTRO_KEYS_MISSING', message: problem?.message }));
    expect(() => requireKeys(mixed, 'archives')).toThrow(expect.objectContaining({ hint: expect.stringContaining('--repo-key FILE') }));
    expect(() => requireKeys(definition(repository('own', '/own.asc')))).not.toThrow();
  });
});

describe('keys that are fetched', () => {
  const whole = { file: '/image.yml', line: 3, column: 5 };
  const place = { file: '/image.yml', line: 5, column: 11 };
  const own = (parts: object) => ({
    ...{ codename: 'own', url: 'http://archive.test', components: [], keys: ['/k.asc'], allowPackages: [], excludePackages: [] },
    ...{ position: whole, ...parts },
  });
  const positions = new Map([
    ['packageRepositories[0]', whole],
    ['packageRepositories[0].pkey', place],
  ]);

  it.each([
    ['files need no fingerprints', {}, []],
    ['addresses need some', { keys: ['/k.asc', 'https://me:secret@a.test/k.asc'] }, [['https://a.test/k.asc', place]]],
    ['addresses of files, too', { keys: ['file:///k.asc'] }, [['file:///k.asc', place]]],
    ['a pinned one is right', { keys: ['https://a.test/k.asc'], fingerprints: ['AB'.repeat(20)] }, []],
  ])('%s', (_what, parts, expected) => {
    const found = unpinnedKeys({ repositories: [own(parts)], positions });
    expect(found.map(({ code, message, position }) => [code, message, position])).toEqual(
      expected.map(([address, position]) => [
        'ICT_REPOSITORY_KEY_UNPINNED',
        `the key of repository "own" is fetched from ${address as string}, and no fingerprint pins it`,
        position,
      ]),
    );
  });
});
