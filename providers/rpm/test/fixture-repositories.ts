import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { RepositorySpec, Snapshot } from '@ict/plugin-api';
import { directoryArchive, fakeContext, type FakeContext } from '@ict/plugin-testkit';
import { checkSignature, parseKeyring } from '@ict/verify';
import { createMetadataSource } from '../src/metadata/metadata.js';
import { FIXTURES } from './fixture-index.js';

/** An hour from now, by which all that was just signed is. */
export const NOW = Math.floor(Date.now() / 1000) + 3600;
/** Directory of the real repositories. */
export const REPOS = join(FIXTURES, 'repos');
/** Where a context has the repository of this name. */
export const address = (name: string): string => `http://archive.example/${name}`;

/** A context for a test whose archives are directories of these names. It ends with the test. */
export function openRepositories(names: readonly string[], directory = REPOS): FakeContext {
  const ctx = fakeContext({
    archives: names.map((name) => directoryArchive(address(name), join(directory, name))),
    nowSeconds: NOW,
    verify: {
      clearsigned: () => Promise.reject(new Error('rpm repositories have none')),
      detached: async (covered, signature, keyrings, { atSeconds = NOW, legacyCrypto = false } = {}) =>
        checkSignature({ covered, signature, keyrings: await Promise.all(keyrings.map(parseKeyring)), atSeconds, legacyCrypto }),
    },
  });
  onTestFinished(() => ctx[Symbol.asyncDispose]());
  return ctx;
}

/** Keyrings of the real repositories. */
export const KEYS = {
  pgdg: join(REPOS, 'pgdg-rhel8-common/PGDG-RPM-GPG-KEY-RHEL'),
  opensuse: join(REPOS, 'opensuse-obs-zstd/signing-key.asc'),
  virtualbox: join(REPOS, 'opensuse-11.1-virtualbox/repodata/repomd.xml.key'),
  suse: join(REPOS, 'empty-signed/repodata/repomd.xml.key'),
};

/** A repository of this name, signed by the key of pgdg unless the options say otherwise. */
export const repository = (name: string, options: Partial<RepositorySpec> = {}): RepositorySpec => ({
  id: name,
  archive: address(name),
  suite: '',
  components: [],
  keyrings: [KEYS.pgdg],
  ...options,
});

/** What a provider pins of a repository. */
export function pinRepository(ctx: FakeContext, spec: RepositorySpec): Promise<Snapshot> {
  return createMetadataSource().snapshot(spec, 'x86_64', ctx);
}
