import { readFileSync } from 'node:fs';
import type { Context, RepositorySpec, ResolvedPackage } from '@ict/plugin-api';
import { createPackageVerifier } from '@ict/provider-rpm';
import { createVerifier } from '@ict/verify';

/*
 * Reads the headers of packages and checks their digests and signatures, as a build does with each that it has fetched: one side of the
 * scenario `rpm`. Arguments: a keyring, and a file with what the metadata of a repository says of its packages.
 */
const [keyring, list] = process.argv.slice(2) as [string, string];
const packages = JSON.parse(readFileSync(list, 'utf8')) as readonly Pick<ResolvedPackage, 'id' | 'name' | 'version' | 'arch' | 'path'>[];
const repository: RepositorySpec = { id: 'bench', archive: '', suite: '', components: [], keyrings: [keyring] };
const pool = createVerifier({ workers: 1 });
const ctx = { signal: new AbortController().signal, clock: () => Math.floor(Date.now() / 1000), verify: pool };
const verifier = createPackageVerifier();
try {
  for (const pkg of packages) {
    await verifier.verify(pkg.path, { ...pkg, repository: repository.id } as ResolvedPackage, repository, ctx as unknown as Context);
  }
  process.stdout.write(`${packages.length} packages are good\n`);
} finally {
  await pool.close();
}
