import { readFileSync } from 'node:fs';
import type { Context, RepositorySpec, ResolvedPackage } from '@ict/plugin-api';
import { createPackageVerifier } from '@ict/provider-rpm';
import { createLocalVerifier, createVerifier } from '@ict/verify';

/*
 * Reads the headers of packages and checks their digests and signatures, as a build does with each that it has fetched: one side of the
 * scenario `rpm-verify`. Arguments: a keyring, a file with what the metadata of a repository says of its packages, and `pool` or `local`: on a thread of the pool, as
 * in a build, or on this one, as a program does that has nothing else to do.
 */

/** As many as a build has under way, unless its configuration says otherwise. */
const AT_A_TIME = 16;

const [keyring, list, where] = process.argv.slice(2) as [string, string, 'pool' | 'local'];
const packages = JSON.parse(readFileSync(list, 'utf8')) as readonly Pick<ResolvedPackage, 'id' | 'name' | 'version' | 'arch' | 'path'>[];
const repository: RepositorySpec = { id: 'bench', archive: '', suite: '', components: [], keyrings: [keyring] };
const pool = where === 'pool' ? createVerifier({ workers: 1 }) : undefined;
const ctx = { signal: new AbortController().signal, clock: () => Math.floor(Date.now() / 1000), verify: pool ?? createLocalVerifier() };
const verifier = createPackageVerifier();
try {
  const queue = packages.values();
  const lane = async (): Promise<void> => {
    for (const pkg of queue) {
      await verifier.verify(pkg.path, { ...pkg, repository: repository.id } as ResolvedPackage, repository, ctx as unknown as Context);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  process.stdout.write(`${packages.length} packages are good\n`);
} finally {
  await pool?.close();
}
